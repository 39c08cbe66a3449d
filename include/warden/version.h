// The version of the library, for the preprocessor. docs/versioning.md says what it promises.
//
// The one place where the version is written: the tool, CMake, and the pkg-config file take it from here, and CI
// compares MODULE.bazel with it.
#ifndef WARDEN_VERSION_H_
#define WARDEN_VERSION_H_

#define WARDEN_VERSION_MAJOR 0
#define WARDEN_VERSION_MINOR 1
#define WARDEN_VERSION_PATCH 0
// As text: "MAJOR.MINOR.PATCH".
#define WARDEN_VERSION WARDEN_INTERNAL_VERSION(WARDEN_VERSION_MAJOR, WARDEN_VERSION_MINOR, WARDEN_VERSION_PATCH)

#define WARDEN_INTERNAL_VERSION(major, minor, patch) WARDEN_INTERNAL_TEXT(major.minor.patch)
#define WARDEN_INTERNAL_TEXT(version) #version

#endif  // WARDEN_VERSION_H_
