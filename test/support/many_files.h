// A host with many open files.
#ifndef WARDEN_TEST_SUPPORT_MANY_FILES_H_
#define WARDEN_TEST_SUPPORT_MANY_FILES_H_

#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"

namespace warden::test_support {

inline constexpr int kMany = 600;

// While the object exists, every new descriptor has a high number.
class ManyFiles {
 public:
  ManyFiles() {
    for (int i = 0; i < kMany; ++i) fds_.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_GE(fds_.back(), kMany) << "RLIMIT_NOFILE is too low";
  }
  ~ManyFiles() {
    for (const int fd : fds_) ::close(fd);
  }
  // Frees some of the numbers, in this thread's table.
  void close_last(int count) const {
    for (int i = kMany - count; i < kMany; ++i) ::close(fds_[static_cast<std::size_t>(i)]);
  }
  ManyFiles(const ManyFiles&) = delete;
  ManyFiles& operator=(const ManyFiles&) = delete;

 private:
  std::vector<int> fds_;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_MANY_FILES_H_
