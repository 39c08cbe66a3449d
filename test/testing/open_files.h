// The open files of another process, by /proc.
#ifndef WARDEN_TEST_TESTING_OPEN_FILES_H_
#define WARDEN_TEST_TESTING_OPEN_FILES_H_

#include <string>
#include <vector>

namespace warden::testing::internal {

inline constexpr char kPidfd[] = "anon_inode:[pidfd]";

// Returns the files sorted by name; sockets and pipes without their numbers: "pipe", "socket".
std::vector<std::string> open_files(int pid);

std::string working_directory(int pid);

}  // namespace warden::testing::internal

#endif  // WARDEN_TEST_TESTING_OPEN_FILES_H_
