// Out of memory at each allocation of a call in turn: the call throws std::bad_alloc, and nothing is left behind or
// lost.
#include <stdlib.h>
#include <sys/resource.h>

#include <atomic>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "warden/warden.h"

namespace {

// How many more allocations succeed, in any thread, before one fails; negative: none fails.
std::atomic<int> allocations_left{-1};
// Whether all later ones fail, too.
std::atomic<bool> is_gone_for_good{false};

bool is_refused() {
  const int left = allocations_left.load(std::memory_order_relaxed);
  if (left < 0) return false;
  if (left == 0 && is_gone_for_good) return true;
  return allocations_left.fetch_sub(1, std::memory_order_relaxed) == 0;
}

}  // namespace

void* operator new(size_t size) {
  void* const memory = is_refused() ? nullptr : ::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { ::free(memory); }
void operator delete(void* memory, size_t) noexcept { ::free(memory); }

namespace warden::test_support {
namespace {

// Runs the call with memory for that many allocations; false when the call threw std::bad_alloc.
template <class Call>
bool has_memory_for(int allocations, Call call) {
  bool enough = true;
  allocations_left = allocations;
  try {
    call();
  } catch (const std::bad_alloc&) {
    enough = false;
  }
  allocations_left = -1;
  return enough;
}

// Returns how many allocations the spawn makes; one is refused at each of them in turn, and the spawn leaves nothing
// behind.
int spawn_without_memory(const Command& command, bool should_run) {
  for (int allocations = 0; allocations < 10'000; ++allocations) {
    bool spawned = false;
    check_leaves_nothing([&] {
      std::optional<Result<Child, SpawnError>> child;
      spawned = has_memory_for(allocations, [&] { child.emplace(Child::spawn(command)); });
      if (!spawned) return;
      EXPECT_EQ(child->has_value(), should_run);
      if (child->has_value()) {
        EXPECT_EQ(child->value().wait().value(), ExitStatus::exited(7));
      }
    });
    if (spawned || ::testing::Test::HasFailure()) return allocations;
  }
  return 0;
}

Command full_command(bool die_with_parent) {
  Command command = test_command({"exit", "7"});
  command.stdin_from(Stdio::pipe()).stdout_to(Stdio::file("/dev/null")).stderr_to(Stdio::capture());
  command.env("NAME", std::string(500, 'x'));
  return command.cwd("/").limit({RLIMIT_CORE, 0, 0}).die_with_parent(die_with_parent);
}

TEST(SpawnWithoutMemory, ThrowsAtEveryAllocationAndLeavesNothing) {
  run_isolated([] {
    for (const bool die_with_parent : {false, true}) {
      EXPECT_GT(spawn_without_memory(full_command(die_with_parent), true), 10);
    }
  });
}

TEST(SpawnWithoutMemory, ThrowsAtEveryAllocationOfAFailureAndLeavesNothing) {
  run_isolated([] {
    for (const bool die_with_parent : {false, true}) {
      Command command = full_command(die_with_parent);
      EXPECT_GT(spawn_without_memory(command.stdout_to(Stdio::file("/no/such/file")), false), 10);
    }
    EXPECT_GT(spawn_without_memory(Command("no-such-program"), false), 10);
  });
}

TEST(WaitForLineWithoutMemory, ThrowsAtEveryAllocationAndCanBeCalledAgain) {
  run_isolated([] {
    Child child = Child::spawn(test_command({"write", "text\n", "sleep"}).stdout_to(Stdio::capture())).value();
    ASSERT_TRUE(child.wait_for_line(OutputStream::kStdout, "text", absl::InfiniteDuration()).value().matched());
    bool matched = false;
    int allocations = 0;
    for (; !matched && allocations < 10'000; ++allocations) {
      matched = has_memory_for(allocations, [&] {
        const auto wait = child.wait_for_line(OutputStream::kStdout, "text", absl::ZeroDuration());
        EXPECT_TRUE(wait.value().matched());
      });
    }
    EXPECT_TRUE(matched);
    EXPECT_GT(allocations, 1);
    EXPECT_TRUE(child.kill().has_value());
  });
}

// Returns whether the run had the memory that it needed. If not, the run has said so, and no process of the child is
// left.
bool run_with_memory_for(int allocations, const Command& command, const RunOptions& options) {
  std::optional<Result<RunResult, RunError>> result;
  if (!has_memory_for(allocations, [&] { result.emplace(run(command, options)); })) return false;
  EXPECT_TRUE(result->has_value()) << result->error();
  if (!result->has_value()) return true;
  const RunResult& done = result->value();
  const bool is_fed = !done.stdin_report.has_value() || !done.stdin_report->read_error;
  EXPECT_TRUE(is_fed || done.stdin_report->read_error == std::errc::not_enough_memory);
  if (is_fed) {
    EXPECT_EQ(done.stdout_output.total_bytes(), options.stdin_text.value_or("").size());
  }
  EXPECT_EQ(done.timed_out(), !options.stdin_text.has_value());
  return is_fed && !done.stdout_output.truncated();
}

void check_run_without_memory(const Command& command, const RunOptions& options) {
  bool had_enough = false;
  int allocations = 0;
  for (; !had_enough && !::testing::Test::HasFailure(); ++allocations) {
    ASSERT_LT(allocations, 10'000);
    check_leaves_nothing([&] { had_enough = run_with_memory_for(allocations, command, options); });
  }
  EXPECT_GT(allocations, 20);
}

// Either one allocation fails, or that one and all after it.
class RunWithoutMemory : public ::testing::TestWithParam<bool> {};

TEST_P(RunWithoutMemory, LeavesNoChildAtAnyAllocation) {
  run_isolated([] {
    is_gone_for_good = GetParam();
    const CapturedLog log;
    RunOptions feeding;
    feeding.stdin_text = std::string(100'000, 'x');
    check_run_without_memory(Command("cat").name(std::string(100, 'n')), feeding);
    RunOptions ending;
    ending.timeout = absl::ZeroDuration();
    ending.policy = TerminationPolicy::service(absl::ZeroDuration());
    check_run_without_memory(test_command({"fork", "stubborn", "--", "stubborn"}), ending);
    for (const CapturedLog::Record& record : log.records())
      EXPECT_NE(record.severity, LogSeverity::kError) << record.event;
  });
}

INSTANTIATE_TEST_SUITE_P(That, RunWithoutMemory, ::testing::Bool(),
                         [](const auto& for_good) { return for_good.param ? "IsGoneForGood" : "IsRefusedOnce"; });

// The child stays supervised, and the next call ends it. Runs here, and with a filter that makes the library look for
// groups in /proc and signal them by number.
class TerminateWithoutMemory : public ::testing::TestWithParam<bool> {};

TEST_P(TerminateWithoutMemory, CanBeCalledAgainAfterEveryAllocationThatFails) {
  run_isolated_unchecked([] {
    if (GetParam() && !refuse_system_calls({refused_group_signals()})) return;
    bool ended = false;
    for (int allocations = 0; !ended && !::testing::Test::HasFailure(); ++allocations) {
      ASSERT_LT(allocations, 10'000);
      check_leaves_nothing([&] {
        AckPipe ack;
        Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"})).value();
        wait_forked(ack, {"child ready", "ready"});
        const TerminationPolicy policy = TerminationPolicy::service(absl::Milliseconds(1));
        ended = has_memory_for(allocations, [&] { EXPECT_TRUE(child.terminate_with_report(policy).has_value()); });
        EXPECT_TRUE(child.terminate(policy).has_value());
        ack.close_write();
        EXPECT_TRUE(ack.wait_eof());
      });
    }
  });
}

TEST_P(TerminateWithoutMemory, OfSeveralCanBeCalledAgainAfterEveryAllocationThatFails) {
  run_isolated_unchecked([] {
    if (GetParam() && !refuse_system_calls({refused_group_signals()})) return;
    bool ended = false;
    for (int allocations = 0; !ended && !::testing::Test::HasFailure(); ++allocations) {
      ASSERT_LT(allocations, 10'000);
      check_leaves_nothing([&] {
        AckPipe ack;
        std::vector<Child> children;
        for (int i = 0; i < 2; ++i) {
          children.push_back(Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"})).value());
          wait_forked(ack, {"child ready", "ready"});
        }
        const TerminationPolicy policy = TerminationPolicy::service(absl::Milliseconds(1));
        ended = has_memory_for(allocations, [&] {
          for (const auto& outcome : terminate_all(children, policy)) EXPECT_TRUE(outcome.has_value());
        });
        for (const auto& outcome : terminate_all(children, policy)) EXPECT_TRUE(outcome.has_value());
        ack.close_write();
        EXPECT_TRUE(ack.wait_eof());
      });
    }
  });
}

INSTANTIATE_TEST_SUITE_P(On, TerminateWithoutMemory, ::testing::Bool(), [](const auto& old_kernel) {
  return old_kernel.param ? "AKernelWithoutPidfdGroupSignals" : "ThisKernel";
});

}  // namespace
}  // namespace warden::test_support
