// What the launcher and the reaper do without the system calls that an old kernel lacks or a strict container refuses.
// Everything runs in forked processes, for the filters and so that each process learns about its kernel anew.
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/old_kernels.h"
#include "test/support/seccomp_filter.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

class SpawnWithout : public ::testing::TestWithParam<OldKernel> {
 protected:
  // Runs the body under the filter.
  static void run(const std::function<void()>& body) {
    run_isolated([&body] {
      if (refuse_system_calls(GetParam().without)) body();
    });
  }
};

TEST_P(SpawnWithout, TheStatusOfAnExitAndOfASignalComeBack) {
  run([] {
    for (const bool on_reaper : {false, true}) {
      Result<Child, SpawnError> exits = Child::spawn(test_command({"exit", "7"}).die_with_parent(on_reaper));
      ASSERT_TRUE(exits.has_value()) << exits.error();
      EXPECT_EQ(exits.value().wait().value(), ExitStatus::exited(7));
      Result<Child, SpawnError> dies = Child::spawn(test_command({"die", "HUP"}).die_with_parent(on_reaper));
      ASSERT_TRUE(dies.has_value()) << dies.error();
      EXPECT_EQ(dies.value().wait().value(), ExitStatus::signaled(Signal::hangup(), false));
    }
  });
}

TEST_P(SpawnWithout, TheChildHasExactlyItsDescriptors) {
  run([] {
    std::vector<int> leaky;
    for (const int number : {20, 30, 40, 41, 42, 300, 899, 901, 1000}) leaky.push_back(::fcntl(1, F_DUPFD, number));
    const Report report =
        report_of(Command(test_child_path()).inherit_fd(30, 31).inherit_fd(30, 41).inherit_fd(41, 30));
    EXPECT_EQ(open_descriptors(report), "0 1 2 30 31 41");
    EXPECT_EQ(report.at("SigBlk"), "0000000000000000");
    for (const int fd : leaky) {
      EXPECT_EQ(::fcntl(fd, F_GETFD), 0);  // open as before
      ::close(fd);
    }
  });
}

TEST_P(SpawnWithout, TheChildInheritsEveryDescriptorWhereThatIsAskedFor) {
  run([] {
    std::vector<int> inherited;
    for (const int number : {20, 300, 901}) inherited.push_back(::fcntl(1, F_DUPFD, number));
    const int own = ::fcntl(1, F_DUPFD_CLOEXEC, 400);
    const Report report = report_of(Command(test_child_path()).inherit_descriptors(true).inherit_fd(20, 300));
    for (const int fd : inherited) EXPECT_EQ(report.count("fd." + std::to_string(fd)), 1u) << fd;
    EXPECT_EQ(report.count("fd." + std::to_string(own)), 0u);
    inherited.push_back(own);
    for (const int fd : inherited) ::close(fd);
  });
}

TEST_P(SpawnWithout, AGroupIsTerminated) {
  run([] {
    AckPipe ack;
    Command command = test_command(ack, {"fork", "sleep", "--", "handle", "TERM", "4"});
    Result<Child, SpawnError> child = Child::spawn(command);
    ASSERT_TRUE(child.has_value()) << child.error();
    ack.close_write();
    for (int i = 0; i < 3; ++i) EXPECT_NE(ack.wait_line(), "");  // forked, ready, child ready
    const auto ended = child.value().terminate(TerminationPolicy::service(absl::Seconds(60)));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value(), ExitStatus::exited(4));
    EXPECT_TRUE(ack.wait_for("got SIGTERM"));
    EXPECT_TRUE(ack.wait_eof());
  });
}

TEST_P(SpawnWithout, ASignalReachesTheChildAlone) {
  run([] {
    AckPipe ack;
    Command command = test_command(ack, {"handle", "USR1", "5"});
    Result<Child, SpawnError> child = Child::spawn(command.group(false));
    ASSERT_TRUE(child.has_value()) << child.error();
    EXPECT_EQ(ack.wait_line(), "ready");
    EXPECT_TRUE(child.value().send_signal(Signal::user1()).has_value());
    EXPECT_EQ(ack.wait_line(), "got SIGUSR1");
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(5));
  });
}

TEST_P(SpawnWithout, AFailureSaysItsStepAndLeavesNothing) {
  run([] {
    const SpawnError exec = error_of(Command("/no/such/program"));
    EXPECT_EQ(exec.step, SpawnError::Step::kExec);
    EXPECT_EQ(exec.code, std::errc::no_such_file_or_directory);
    const SpawnError file = error_of(test_command({"sleep"}).stdin_from(Stdio::file("/no/such/file")));
    EXPECT_EQ(file.step, SpawnError::Step::kOpenFile);
    EXPECT_EQ(file.code, std::errc::no_such_file_or_directory);
  });
}

// Without a listing of /proc the child closes number by number. The filter forbids listing to the test and to an
// escalation, too.
TEST(SpawnWithoutListing, TheChildHasExactlyItsDescriptors) {
  for (const bool copied : {false, true}) {
    run_isolated_unchecked([copied] {
      for (const int number : {3, 20, 300, 899, 901, 1000}) ::fcntl(1, F_DUPFD, number);
      std::vector<RefusedCall> refused = {{SYS_close_range, ENOSYS}, {SYS_getdents64, EPERM}};
      if (copied) refused.push_back({SYS_unshare, EPERM});
      ASSERT_TRUE(refuse_system_calls(refused));
      EXPECT_EQ(open_descriptors(report_of(Command(test_child_path()).inherit_fd(1, 7))), "0 1 2 7");
      EXPECT_EQ(::fcntl(901, F_GETFD), 0);
    });
  }
}

std::string test_name(const ::testing::TestParamInfo<OldKernel>& kernel) { return kernel.param.name; }

INSTANTIATE_TEST_SUITE_P(Each, SpawnWithout, ::testing::ValuesIn(old_kernels()), test_name);

}  // namespace
}  // namespace warden::test_support
