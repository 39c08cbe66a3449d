// What another process has open, as /proc shows it.
#ifndef WARDEN_TEST_TESTING_OPEN_FILES_H_
#define WARDEN_TEST_TESTING_OPEN_FILES_H_

#include <string>
#include <vector>

namespace warden_testing::internal {

inline constexpr char kPidfd[] = "anon_inode:[pidfd]";

// In order of their names; without the numbers of sockets and pipes: "pipe", "socket".
std::vector<std::string> open_files(int pid);

std::string working_directory(int pid);

}  // namespace warden_testing::internal

#endif  // WARDEN_TEST_TESTING_OPEN_FILES_H_
