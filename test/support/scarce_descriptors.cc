#include "test/support/scarce_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace warden::test_support {
ScarceDescriptors::ScarceDescriptors(int left) {
  EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
  const struct rlimit small = {kTableSize, before_.rlim_max};
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  fillers_ = fill_table();
  EXPECT_GE(static_cast<int>(fillers_.size()), left);
  for (; left > 0 && !fillers_.empty(); --left) {
    ::close(fillers_.back());
    fillers_.pop_back();
  }
}

ScarceDescriptors::~ScarceDescriptors() {
  for (const int fd : fillers_) ::close(fd);
  ::setrlimit(RLIMIT_NOFILE, &before_);
}

void ScarceDescriptors::take_one() {
  fillers_.push_back(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  EXPECT_GE(fillers_.back(), 0);
}

std::vector<int> ScarceDescriptors::fill_table() {
  std::vector<int> fillers;
  for (int fd = 0; (fd = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0;) fillers.push_back(fd);
  return fillers;
}

int ScarceDescriptors::count_free() {
  const std::vector<int> fillers = fill_table();
  for (const int fd : fillers) ::close(fd);
  return static_cast<int>(fillers.size());
}

}  // namespace warden::test_support
