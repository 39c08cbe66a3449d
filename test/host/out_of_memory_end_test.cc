// Out of memory at each allocation of a call that ends children, and of a destructor.
#include <signal.h>
#include <sys/wait.h>

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/scarce_descriptors.h"
#include "test/support/scarce_memory.h"
#include "test/support/seccomp_filter.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using End = bool (*)(std::vector<Child>& children);

struct EndingCall {
  const char* name;
  End end;           // true when it has returned a success for every child
  int children = 1;  // how many it ends
};

void PrintTo(const EndingCall& call, std::ostream* out) { *out << call.name; }

TerminationPolicy short_policy() { return TerminationPolicy::service(absl::Milliseconds(1)); }

bool terminate_by_two_timeouts(std::vector<Child>& children) {
  return children[0].terminate(absl::Milliseconds(1), absl::Milliseconds(1)).has_value();
}

bool terminate_by_policy(std::vector<Child>& children) { return children[0].terminate(short_policy()).has_value(); }

bool terminate_with_report(std::vector<Child>& children) {
  return children[0].terminate_with_report(short_policy()).has_value();
}

bool kill(std::vector<Child>& children) { return children[0].kill().has_value(); }

bool wait_or_terminate(std::vector<Child>& children) {
  return children[0].wait_or_terminate(absl::ZeroDuration(), short_policy()).has_value();
}

bool terminate_several(std::vector<Child>& children) {
  for (const auto& outcome : terminate_all(children, short_policy())) {
    if (!outcome.has_value()) return false;
  }
  return true;
}

const EndingCall kEndingCalls[] = {
    {"Terminate", terminate_by_two_timeouts},       {"TerminateByAPolicy", terminate_by_policy},
    {"TerminateWithReport", terminate_with_report}, {"Kill", kill},
    {"WaitOrTerminate", wait_or_terminate},         {"TerminateAll", terminate_several, 2}};

// Children that only SIGKILL ends, each with another such process in its group, and names of which every copy
// allocates.
std::vector<Child> spawn_stubborn(AckPipe& ack, int count, const Stdio& input = Stdio::pipe(),
                                  Containment containment = Containment::kGroup) {
  std::vector<Child> children;
  for (int i = 0; i < count; ++i) {
    Command command = test_command(ack, {"fork", "stubborn", "--", "stubborn"});
    command.name(std::string(100, 'n')).stdin_from(input).containment(containment);
    children.push_back(Child::spawn(command).value());
    wait_forked(ack, {"child ready", "ready"});
  }
  return children;
}

// Of whom.
enum class Ended {
  kGroup,
  kGroupByNumber,  // with a filter that makes the library look for groups in /proc and signal them by number
  kTree,
};

Containment containment_of(Ended ended) { return ended == Ended::kTree ? Containment::kTree : Containment::kGroup; }
bool prepare(Ended ended) { return ended != Ended::kGroupByNumber || refuse_system_calls({refused_group_signals()}); }
std::string name_of(Ended ended) {
  const char* const names[] = {"", "WithoutPidfdGroupSignals", "OfATree"};
  return names[static_cast<int>(ended)];
}
const auto kEveryEnded = ::testing::Values(Ended::kGroup, Ended::kGroupByNumber, Ended::kTree);

class EndWithoutMemory : public ::testing::TestWithParam<std::tuple<Ended, EndingCall>> {};

TEST_P(EndWithoutMemory, ThrowsAtEveryAllocationAndCanBeCalledAgain) {
  run_isolated_unchecked([] {
    const auto& [who, call] = GetParam();
    if (!prepare(who)) return;
    check_leaves_nothing([&call = call, who = who] {
      const int failures = fail_each_allocation([&call, who](const ScarceCall& scarcely) {
        AckPipe ack;
        std::vector<Child> children = spawn_stubborn(ack, call.children, Stdio::pipe(), containment_of(who));
        bool ended = false;
        const CallResult result = scarcely([&] { ended = call.end(children); });
        EXPECT_NE(result, CallResult::kCoped);
        EXPECT_EQ(ended, result == CallResult::kHadEnough);
        EXPECT_TRUE(call.end(children));
        ack.close_write();
        EXPECT_TRUE(ack.wait_eof());  // all processes of the group are dead
      });
      EXPECT_GT(failures, 5);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(On, EndWithoutMemory, ::testing::Combine(kEveryEnded, ::testing::ValuesIn(kEndingCalls)),
                         [](const auto& setting) {
                           return std::get<1>(setting.param).name + name_of(std::get<0>(setting.param));
                         });

void ignore_abandoned_child(const AbandonedChild&, void*) {}

// How a handle ends.
enum class Destruction { kByDefault, kByPolicy, kByAssignment };

class DestructionWithoutMemory : public ::testing::TestWithParam<std::tuple<Ended, MemoryEnd, Destruction>> {};

TEST_P(DestructionWithoutMemory, EndsTheWholeGroupAtEveryAllocationThatFails) {
  run_isolated_unchecked([] {
    const auto& [who, end, destruction] = GetParam();
    if (!prepare(who)) return;
    check_leaves_nothing([end = end, how = destruction, who = who] {
      set_abandoned_child_handler(ignore_abandoned_child, nullptr);
      const int failures = fail_each_allocation(
          [how, who](const ScarceCall& scarcely) {
            AckPipe ack;
            std::vector<Child> children = spawn_stubborn(ack, 1, Stdio::pipe(), containment_of(who));
            if (how == Destruction::kByPolicy) {
              EXPECT_TRUE(children[0].terminate_on_destruction(short_policy()).has_value());
            }
            Child moved_from = std::move(children[0]);
            children[0] = std::move(moved_from);
            const CallResult result = scarcely([&] {
              if (how == Destruction::kByAssignment)
                children[0] = std::move(moved_from);  // NOLINT(bugprone-use-after-move): it is empty
              children.clear();
            });
            EXPECT_NE(result, CallResult::kThrew);
            ack.close_write();
            EXPECT_TRUE(ack.wait_eof());
            EXPECT_TRUE(wait_until_childless());
          },
          end);
      EXPECT_GT(failures, 5);
      set_abandoned_child_handler(nullptr, nullptr);
    });
  });
}

std::string name_of(const std::tuple<Ended, MemoryEnd, Destruction>& setting) {
  const char* const names[] = {"ByDefault", "ByPolicy", "ByAssignment"};
  return std::string(names[static_cast<int>(std::get<2>(setting))]) +
         (std::get<1>(setting) == MemoryEnd::kOnce ? "WhereOneFails" : "WhereAllFail") + name_of(std::get<0>(setting));
}

INSTANTIATE_TEST_SUITE_P(On, DestructionWithoutMemory,
                         ::testing::Combine(kEveryEnded, ::testing::Values(MemoryEnd::kOnce, MemoryEnd::kForGood),
                                            ::testing::Values(Destruction::kByDefault, Destruction::kByPolicy,
                                                              Destruction::kByAssignment)),
                         [](const auto& setting) { return name_of(setting.param); });

TEST(AbandonedChildWithoutMemory, OfTheDefaultReportEndsTheChildAllTheSame) {
  run_isolated([] {
    ::testing::internal::CaptureStderr();
    const int failures = fail_each_allocation([](const ScarceCall& scarcely) {
      std::optional<Child> child = Child::spawn(test_command({"sleep"}).name(std::string(100, 'n'))).value();
      const Pidfd process(child->pid());
      EXPECT_NE(scarcely([&] { child.reset(); }), CallResult::kThrew);
      EXPECT_TRUE(process.wait_dead());
      EXPECT_TRUE(wait_until_childless());
    });
    EXPECT_GT(failures, 5);
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("destroyed before its end was seen"), std::string::npos);
  });
}

void count_report(const AbandonedChild&, void* count) { ++*static_cast<int*>(count); }

TEST(AbandonedChildWithoutMemory, IsReportedOnceAtEveryAllocationThatFails) {
  run_isolated([] {
    static int reports = 0;
    set_abandoned_child_handler(count_report, &reports);
    int destructions = 0;
    fail_each_allocation([&destructions](const ScarceCall& scarcely) {
      std::optional<Child> child = Child::spawn(test_command({"sleep"})).value();
      scarcely([&] { child.reset(); });
      EXPECT_EQ(reports, ++destructions);
    });
    set_abandoned_child_handler(nullptr, nullptr);
  });
}

// The status of the leader is taken by another wait, so that its number no longer reaches the group: the library finds
// the members in /proc.
class DestructionOfALostLeaderWithoutMemory : public ::testing::TestWithParam<MemoryEnd> {};

TEST_P(DestructionOfALostLeaderWithoutMemory, EndsTheProgramAtNoAllocation) {
  run_isolated_unchecked([] {
    if (!refuse_system_calls({refused_group_signals()})) return;
    check_leaves_nothing([] {
      set_abandoned_child_handler(ignore_abandoned_child, nullptr);
      const int failures = fail_each_allocation(
          [](const ScarceCall& scarcely) {
            AckPipe ack;
            Command command = test_command(ack, {"fork", "stubborn", "--", "exit", "0"});
            std::optional<Child> child = Child::spawn(command).value();
            const Pidfd member(wait_forked(ack, {"child ready"}));
            EXPECT_EQ(::waitpid(child->pid(), nullptr, 0), child->pid());
            EXPECT_NE(scarcely([&] { child.reset(); }), CallResult::kThrew);
            if (GetParam() == MemoryEnd::kForGood) member.send(SIGKILL);  // which the library cannot find
            EXPECT_TRUE(member.wait_dead());
          },
          GetParam());
      EXPECT_GT(failures, 5);
      set_abandoned_child_handler(nullptr, nullptr);
    });
  });
}

INSTANTIATE_TEST_SUITE_P(Where, DestructionOfALostLeaderWithoutMemory,
                         ::testing::Values(MemoryEnd::kOnce, MemoryEnd::kForGood),
                         [](const auto& end) { return end.param == MemoryEnd::kOnce ? "OneFails" : "AllFail"; });

// Where no descriptor is free the library reads /proc on a thread with a descriptor table of its own.
TEST(EndWithoutMemoryAndDescriptors, ThrowsAtEveryAllocationAndCanBeCalledAgain) {
  NEEDS_A_FULL_TABLE();
  run_isolated_unchecked([] {
    if (!refuse_system_calls({refused_group_signals()})) return;
    fail_each_allocation([](const ScarceCall& scarcely) {
      AckPipe ack;
      std::vector<Child> children = spawn_stubborn(ack, 1, Stdio::null());
      {
        const ScarceDescriptors none(0);
        EXPECT_NE(scarcely([&] { EXPECT_TRUE(kill(children)); }), CallResult::kCoped);
      }
      EXPECT_TRUE(kill(children));
    });
  });
}

}  // namespace
}  // namespace warden::test_support
