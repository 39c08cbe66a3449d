// The version of the kernel, where uname(2) tells it and where it tells an older one (personality(2), UNAME26).
#include "lib/os/kernel_version.h"

#include <errno.h>
#include <sys/personality.h>
#include <sys/utsname.h>

#include <cstdio>

#include "gtest/gtest.h"
#include "test/support/isolated.h"

namespace warden::internal {
namespace {

using test_support::run_isolated_unchecked;

struct Version {
  int major = 0;
  int minor = 0;
};

Version version() {
  struct utsname system = {};
  Version version;
  EXPECT_EQ(::uname(&system), 0);
  EXPECT_EQ(std::sscanf(system.release, "%d.%d", &version.major, &version.minor), 2) << system.release;
  return version;
}

void expect_exactly(const Version& version) {
  EXPECT_TRUE(kernel_is_at_least(version.major, version.minor));
  EXPECT_TRUE(kernel_is_at_least(version.major - 1, version.minor + 1));
  EXPECT_FALSE(kernel_is_at_least(version.major, version.minor + 1));
  EXPECT_FALSE(kernel_is_at_least(version.major + 1, 0));
}

// Each asks in a process of its own, since the answer is kept.
TEST(KernelVersion, IsTheOneThatUnameTells) {
  run_isolated_unchecked([] { expect_exactly(version()); });
}

TEST(KernelVersion, IsAnOldOneWhereUnameTellsSo) {
  const int before = ::personality(UNAME26);
  if (before < 0) GTEST_SKIP() << "personality(2) is refused: errno " << errno;
  ASSERT_EQ(::personality(static_cast<unsigned long>(before)), UNAME26);
  run_isolated_unchecked([] {
    ASSERT_GE(::personality(UNAME26), 0);
    const Version old = version();
    EXPECT_EQ(old.major, 2);
    expect_exactly(old);
    EXPECT_FALSE(kernel_is_at_least(5, 12));
  });
}

}  // namespace
}  // namespace warden::internal
