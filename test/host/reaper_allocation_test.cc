// The reaper allocates nothing, however its child ends: without memory it would end the host by std::terminate.
#include <signal.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/old_kernels.h"
#include "test/support/scarce_memory.h"
#include "test/support/sigchld_disposition.h"
#include "test/support/thief.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

Command exiting(const AckPipe& ack) { return test_command(ack, {"handle", "TERM", "3"}); }

// On each kind of kernel: where there is no pidfd the reaper waits by number, and where no descriptor is free it makes
// a table of its own.
class ReaperAllocation : public ::testing::TestWithParam<OldKernel> {
 protected:
  // Runs the body, and requires that no thread but its own has allocated by the time at which every other has ended.
  template <class Body>
  void check_no_allocation(Body body) {
    run_isolated_unchecked([&] {
      if (!refuse_system_calls(GetParam().without)) return;
      const ForeignAllocations foreign;
      check_leaves_nothing(body);
      EXPECT_EQ(ForeignAllocations::count(), 0);
    });
  }
};

TEST_P(ReaperAllocation, IsNoneForAChildThatIsWaitedFor) {
  check_no_allocation([] {
    Child child = Child::spawn(test_command({"exit", "3"})).value();
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(3));
  });
}

TEST_P(ReaperAllocation, IsNoneForAnExcusedChildThatOutlivesItsHandle) {
  check_no_allocation([] {
    AckPipe ack;
    std::optional<Child> child = Child::spawn(exiting(ack)).value();
    EXPECT_EQ(ack.wait_line(), "ready");
    const int pid = child->pid();
    child->detach_on_destruction();
    child.reset();
    EXPECT_EQ(::kill(pid, SIGTERM), 0);
    EXPECT_TRUE(wait_until_childless());
  });
}

TEST_P(ReaperAllocation, IsNoneForAChildThatIsKilled) {
  check_no_allocation([] {
    Child child = Child::spawn(test_command({"sleep"})).value();
    EXPECT_EQ(child.kill().value(), ExitStatus::signaled(Signal::kill(), false));
  });
}

TEST_P(ReaperAllocation, IsNoneForAnAbandonedChild) {
  check_no_allocation([] {
    set_abandoned_child_handler([](const AbandonedChild&, void*) {}, nullptr);
    { const Child child = Child::spawn(test_command({"sleep"})).value(); }
    set_abandoned_child_handler(nullptr, nullptr);
  });
}

TEST_P(ReaperAllocation, IsNoneForALaunchOnIt) {
  check_no_allocation([] {
    Child child = Child::spawn(test_command({"exit", "3"}).die_with_parent(true)).value();
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(3));
  });
}

TEST_P(ReaperAllocation, IsNoneForALaunchOnItThatFails) {
  check_no_allocation([] {
    const std::string name = "/a-directory-that-is-not-there/and-a-name-that-fits-into-no-short-string";
    EXPECT_FALSE(Child::spawn(Command(name).die_with_parent(true)).has_value());
    EXPECT_FALSE(Child::spawn(test_command({"sleep"}).die_with_parent(true).cwd(name)).has_value());
  });
}

// The library is sometimes quicker than the thief.
TEST_P(ReaperAllocation, IsNoneForAStatusThatAThiefTakes) {
  check_no_allocation([] {
    const Thief thief(Thief::Way::kWait);
    for (int i = 0; i < 1000 && thief.stolen() == 0; ++i) {
      Child child = Child::spawn(test_command({"exit", "3"})).value();
      EXPECT_TRUE(child.wait().has_value());
    }
    EXPECT_GT(thief.stolen(), 0);
  });
}

TEST_P(ReaperAllocation, IsNoneWhereTheKernelCollectsTheChild) {
  check_no_allocation([] {
    const SigchldDisposition ignored(SIG_IGN, 0);
    Child child = Child::spawn(test_command({"exit", "3"})).value();
    EXPECT_TRUE(child.wait().has_value());
  });
}

TEST_P(ReaperAllocation, IsNoneForChildrenThatAreTerminatedTogether) {
  check_no_allocation([] {
    AckPipe ack;
    std::vector<Child> children;
    for (int i = 0; i < 3; ++i) {
      children.push_back(Child::spawn(test_command(ack, {"fork", "stubborn", "--", "handle", "TERM", "3"})).value());
      wait_forked(ack, {"child ready", "ready"});
    }
    const TerminationPolicy policy = TerminationPolicy::service(absl::Milliseconds(50));
    for (const auto& outcome : terminate_all(children, policy)) EXPECT_TRUE(outcome.has_value());
  });
}

TEST_P(ReaperAllocation, IsNoneForAChildThatEndsWhileItsInputIsWritten) {
  check_no_allocation([] {
    const Command command = test_command({"read-some", "1", "exit", "3"}).stdin_from(Stdio::pipe());
    Child child = Child::spawn(command).value();
    EXPECT_FALSE(child.write_stdin(std::string(1'000'000, 'x'), kBound).has_value());
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(3));
  });
}

// The thread that reads the output may allocate.
TEST_P(ReaperAllocation, IsNoneForAChildThatEndsWhileALineIsWaitedFor) {
  run_isolated_unchecked([] {
    if (!refuse_system_calls(GetParam().without)) return;
    check_leaves_nothing([] {
      AckPipe ack;
      const std::vector<std::string> mode = {"write", "a line\n", "handle", "TERM", "3"};
      Result<Child, SpawnError> spawned = Child::spawn(test_command(ack, mode).stdout_to(Stdio::capture()));
      if (!spawned) {  // a capture needs an eventfd
        EXPECT_EQ(spawned.error().step, SpawnError::Step::kCreateReader);
        return;
      }
      Child child = std::move(spawned).value();
      EXPECT_EQ(ack.wait_line(), "ready");
      const auto exempt = [](const Line&) {
        ForeignAllocations::exempt_this_thread();
        return true;
      };
      EXPECT_TRUE(child.wait_for_line(OutputStream::kStdout, exempt, kBound).value().matched());
      const ForeignAllocations foreign;
      EXPECT_TRUE(child.send_terminate_signal().has_value());
      EXPECT_FALSE(child.wait_for_line(OutputStream::kStdout, "another", kBound).value().matched());
      EXPECT_EQ(child.wait().value(), ExitStatus::exited(3));
      EXPECT_EQ(ForeignAllocations::count(), 0);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, ReaperAllocation, ::testing::ValuesIn(old_kernels()),
                         [](const auto& kernel) { return kernel.param.name; });

}  // namespace
}  // namespace warden::test_support
