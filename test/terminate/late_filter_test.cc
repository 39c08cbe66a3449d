// A program that enters a seccomp filter once it has used the library, as programs do that sandbox themselves: what the
// kernel has said before does not hold any more. Everything runs in forked processes, for the filters.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/old_kernels.h"
#include "test/support/send_signal.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

// A stubborn group, all of whose members hold a pipe open.
struct Group {
  explicit Group(const std::vector<std::string>& leader) {
    std::vector<std::string> mode = {"fork", "stubborn", "--"};
    mode.insert(mode.end(), leader.begin(), leader.end());
    child = std::make_unique<Child>(Child::spawn(test_command(ack, mode)).value());
    wait_forked(ack, {"child ready", "ready"});
    ack.close_write();
  }
  explicit Group() : Group({"stubborn"}) {}

  AckPipe ack;
  std::unique_ptr<Child> child;
};

void expect_ended(Group& group) {
  const auto report = group.child->terminate_with_report(
      TerminationPolicy::interrupt_first(absl::Milliseconds(30), absl::Milliseconds(30)));
  ASSERT_TRUE(report.has_value()) << report.error();
  EXPECT_TRUE(group.ack.wait_eof()) << report.value().attempts;
}

class LateFilter : public ::testing::TestWithParam<OldKernel> {
 protected:
  // Uses the library, then runs `before`, enters the filter and runs `after`.
  static void run(const std::function<void()>& before, const std::function<void()>& after) {
    run_isolated([&] {
      Group first;
      expect_ended(first);
      before();
      if (refuse_system_calls(GetParam().without, FilteredThreads::kAll)) after();
    });
  }
};

TEST_P(LateFilter, ChildrenFromBeforeAndAfterItAreEnded) {
  std::unique_ptr<Group> before;
  run([&] { before = std::make_unique<Group>(); },
      [&] {
        expect_ended(*before);
        before = nullptr;
        Group after;
        expect_ended(after);
      });
}

TEST_P(LateFilter, ADestructorKillsTheGroup) {
  std::unique_ptr<Group> group;
  run([&] { group = std::make_unique<Group>(); },
      [&] {
        group->child = nullptr;
        EXPECT_TRUE(group->ack.wait_eof());
        group = nullptr;
      });
}

TEST_P(LateFilter, AGroupWhoseLeaderEndsAfterItIsEnded) {
  std::unique_ptr<Group> group;
  run(
      [&] {
        group = std::make_unique<Group>(std::vector<std::string>{"handle", "TERM", "4"});
      },
      [&] {
        ASSERT_TRUE(send_signal_by_number(group->child->pid(), SIGTERM));
        EXPECT_EQ(group->child->wait().value(), ExitStatus::exited(4));
        expect_ended(*group);
        group = nullptr;
      });
}

std::string test_name(const ::testing::TestParamInfo<OldKernel>& kernel) { return kernel.param.name; }

INSTANTIATE_TEST_SUITE_P(Each, LateFilter, ::testing::ValuesIn(old_kernels()), test_name);

}  // namespace
}  // namespace warden::test_support
