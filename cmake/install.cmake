# `cmake --install`: headers, libraries, the tool, and what finds them (find_package, pkg-config).
include(CMakePackageConfigHelpers)

set(warden_package ${CMAKE_INSTALL_LIBDIR}/cmake/warden)

# Not the header for Boost.Process, whose library is for this build alone.
install(DIRECTORY include/warden DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT dev PATTERN "testing" EXCLUDE
        PATTERN "boost_process.h" EXCLUDE)
install(
  TARGETS warden_static warden_shared
  EXPORT wardenTargets
  ARCHIVE COMPONENT dev
  LIBRARY COMPONENT runtime NAMELINK_COMPONENT dev)
install(EXPORT wardenTargets NAMESPACE warden:: DESTINATION ${warden_package} COMPONENT dev)

if(WARDEN_TESTING)
  install(DIRECTORY include/warden/testing DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/warden COMPONENT dev)
  install(TARGETS warden_testing EXPORT wardenTestingTargets ARCHIVE COMPONENT dev)
  install(EXPORT wardenTestingTargets NAMESPACE warden:: DESTINATION ${warden_package} COMPONENT dev)
endif()
if(WARDEN_TOOL)
  install(TARGETS warden_tool RUNTIME COMPONENT tool)
endif()

# Of Abseil the very release, since each has another ABI; a build from its repository has no version.
set(warden_absl_wanted)
if(absl_VERSION MATCHES "^[0-9.]+$")
  set(warden_absl_wanted ${absl_VERSION})
endif()
set(warden_boost_wanted)
if(Boost_VERSION_MAJOR)
  set(warden_boost_wanted ${Boost_VERSION_MAJOR}.${Boost_VERSION_MINOR})
endif()
configure_package_config_file(cmake/wardenConfig.cmake.in ${PROJECT_BINARY_DIR}/wardenConfig.cmake
                              INSTALL_DESTINATION ${warden_package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wardenConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/wardenConfig.cmake ${PROJECT_BINARY_DIR}/wardenConfigVersion.cmake
        DESTINATION ${warden_package} COMPONENT dev)

# Found from where the file itself is, so that the whole can be moved.
file(RELATIVE_PATH warden_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
set(warden_boost_flag)
if(warden_boost_version)
  set(warden_boost_flag -DWARDEN_BOOST_VERSION=${warden_boost_version})
endif()
set(warden_absl_is)
if(warden_absl_wanted)
  set(warden_absl_is " = ${warden_absl_wanted}")
endif()
string(REGEX REPLACE "/$" "" warden_prefix "${warden_prefix}")
configure_file(cmake/warden.pc.in ${PROJECT_BINARY_DIR}/warden.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/warden.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
