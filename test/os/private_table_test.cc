// Work on a thread with a private descriptor table, on this kernel and where close_range(2) is refused.
#include "lib/os/private_table.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <new>
#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/process_snapshot.h"
#include "test/support/scarce_descriptors.h"
#include "test/support/seccomp_filter.h"

namespace warden::internal {
namespace {

using test_support::ProcessSnapshot;
using test_support::RefusedCall;
using test_support::run_isolated;
using test_support::ScarceDescriptors;

struct Kernel {
  const char* name;
  std::vector<RefusedCall> without;
};

void PrintTo(const Kernel& kernel, std::ostream* out) { *out << kernel.name; }

class PrivateTable : public ::testing::TestWithParam<Kernel> {
 protected:
  static void run(const std::function<void()>& body) {
    run_isolated([&body] {
      if (test_support::refuse_system_calls(GetParam().without)) body();
    });
  }
};

TEST_P(PrivateTable, HasRoomWhileTheHostsIsFullAndLeavesThatAlone) {
  NEEDS_A_FULL_TABLE();
  run([] {
    const auto before = ProcessSnapshot::take().descriptors;
    bool has_run = false;
    {
      const ScarceDescriptors full(0);
      has_run = run_in_private_table([] {
        const int one = ::open("/", O_RDONLY | O_CLOEXEC);
        const int other = ::open("/", O_RDONLY | O_CLOEXEC);
        EXPECT_GE(one, 0) << "errno " << errno;
        EXPECT_GE(other, 0) << "errno " << errno;
        ::close(one);
        ::close(other);
      });
      EXPECT_EQ(ScarceDescriptors::count_free(), 0);
    }
    EXPECT_TRUE(has_run);
    EXPECT_EQ(ProcessSnapshot::take().descriptors, before);
  });
}

// The exception neither ends the host nor gets lost.
TEST_P(PrivateTable, PassesAnExceptionOfTheWorkOn) {
  run([] {
    EXPECT_THROW(run_in_private_table([] { throw std::bad_alloc(); }), std::bad_alloc);
    EXPECT_TRUE(run_in_private_table([] {}));
  });
}

INSTANTIATE_TEST_SUITE_P(On, PrivateTable,
                         ::testing::Values(Kernel{"ThisKernel", {}},
                                           Kernel{"AKernelWithoutCloseRange", {{SYS_close_range, ENOSYS}}}),
                         [](const auto& kernel) { return std::string(kernel.param.name); });

TEST(NoPrivateTable, WhereTheKernelRefusesAllWaysRunsNothing) {
  run_isolated([] {
    ASSERT_TRUE(test_support::refuse_system_calls({{SYS_close_range, ENOSYS}, {SYS_unshare, EPERM}}));
    bool has_run = false;
    EXPECT_FALSE(run_in_private_table([&has_run] { has_run = true; }));
    EXPECT_FALSE(has_run);
  });
}

TEST(NoPrivateTable, WhereNoThreadCanBeCreatedRunsNothing) {
  run_isolated([] {
    ASSERT_TRUE(test_support::refuse_system_calls({{SYS_clone3, EAGAIN}, {SYS_clone, EAGAIN}}));
    bool has_run = false;
    EXPECT_FALSE(run_in_private_table([&has_run] { has_run = true; }));
    EXPECT_FALSE(has_run);
  });
}

}  // namespace
}  // namespace warden::internal
