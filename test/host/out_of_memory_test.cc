// Out of memory at each allocation of a call in turn: the call throws std::bad_alloc, nothing is left behind or lost,
// and the call can be made again. out_of_memory_end_test.cc has the calls that end children,
// out_of_memory_value_test.cc those that need none.
#include <signal.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/leaky_tests.h"
#include "test/support/scarce_descriptors.h"
#include "test/support/scarce_memory.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

constexpr OutputStream kStdout = OutputStream::kStdout;
constexpr absl::Duration kNow = absl::ZeroDuration();
constexpr absl::Duration kMoment = absl::Milliseconds(1);

// A name of which every copy allocates.
std::string long_name() { return std::string(100, 'n'); }

// Returns how many allocations the spawn makes; one fails at each of them in turn, and the spawn leaves nothing behind.
// The reader of a captured stream may be the one that has none.
int spawn_without_memory(const Command& command, bool should_run) {
  return fail_each_allocation([&](const ScarceCall& scarcely) {
    check_leaves_nothing([&] {
      std::optional<Result<Child, SpawnError>> child;
      const CallResult result = scarcely([&] { child.emplace(Child::spawn(command)); });
      EXPECT_NE(result, CallResult::kCoped);
      if (result == CallResult::kThrew) return;
      EXPECT_EQ(child->has_value(), should_run);
      if (child->has_value()) {
        EXPECT_EQ(child->value().wait().value(), ExitStatus::exited(7));
      }
    });
  });
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
      EXPECT_GT(spawn_without_memory(full_command(die_with_parent).new_session(true), true), 10);
      EXPECT_GT(spawn_without_memory(full_command(die_with_parent).containment(Containment::kTree), true), 10);
    }
  });
}

TEST(SpawnWithoutMemory, ThrowsAtEveryAllocationOfAFailureAndLeavesNothing) {
  run_isolated([] {
    for (const bool die_with_parent : {false, true}) {
      Command command = full_command(die_with_parent);
      EXPECT_GT(spawn_without_memory(command.stdout_to(Stdio::file("/no/such/file")), false), 10);
      EXPECT_GT(spawn_without_memory(command.containment(Containment::kTree), false), 10);
    }
    EXPECT_GT(spawn_without_memory(Command("no-such-program"), false), 5);
  });
}

TEST(AdoptWithoutMemory, ThrowsAtEveryAllocationAndLeavesTheProcessAsItWas) {
  run_isolated([] {
    const int failures = fail_each_allocation([](const ScarceCall& scarcely) {
      check_leaves_nothing([&] {
        const int pid = fork_paused_child();
        const AdoptOptions options = {long_name()};
        std::optional<Result<Child, SpawnError>> child;
        const CallResult result = scarcely([&] { child.emplace(Child::adopt(pid, options)); });
        EXPECT_NE(result, CallResult::kCoped);
        EXPECT_EQ(child.has_value(), result == CallResult::kHadEnough);
        EXPECT_FALSE(Pidfd(pid).is_dead());
        if (!child.has_value()) child.emplace(Child::adopt(pid, options));
        ASSERT_TRUE(child->has_value());
        EXPECT_TRUE(child->value().kill().has_value());
      });
    });
    EXPECT_GT(failures, 2);
  });
}

struct Call {
  const char* name;
  bool (*make)(Child& child);  // true when it has returned what it should
  bool allocates = true;       // false where nothing says that it does
};

// In each call each allocation fails in turn: the call throws, and is right at once when it is made again.
template <std::size_t size>
void make_without_memory(Child& child, const std::array<Call, size>& calls) {
  for (const Call& call : calls) {
    SCOPED_TRACE(call.name);
    const int failures = fail_each_allocation([&](const ScarceCall& scarcely) {
      bool was_right = false;
      const CallResult result = scarcely([&] { was_right = call.make(child); });
      EXPECT_NE(result, CallResult::kCoped);
      EXPECT_EQ(was_right, result == CallResult::kHadEnough);
      EXPECT_TRUE(call.make(child));
      EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
    });
    if (call.allocates) {
      EXPECT_GT(failures, 0);
    }
  }
}

bool writes_until_the_timeout(Child& child) {
  const auto written = child.write_stdin(std::string(1'000'000, 'x'), kMoment);
  return written.has_error() && written.error().kind == StdinError::Kind::kTimedOut;
}

bool is_polled_until_it_is_ready(Child& child) {
  const std::array<int, 20> large = {};
  return child.wait_until_ready([large] { return large[0] == 0; }, kMoment, kMoment).value().ready();
}

constexpr std::array<Call, 15> kCallsOnARunningChild = {{
    {"wait_for", [](Child& child) { return !child.wait_for(kMoment).value().has_value(); }, false},
    {"wait_until",
     [](Child& child) {
       const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
       return !child.wait_until(deadline).value().has_value();
     },
     false},
    {"try_wait", [](Child& child) { return !child.try_wait().value().has_value(); }, false},
    {"state", [](Child& child) { return child.state().kind == ProcessState::Kind::kRunning; }, false},
    {"ends_on_destruction", [](Child& child) { return child.ends_on_destruction(); }, false},
    {"stdin_fd", [](Child& child) { return child.stdin_fd() > 2; }, false},
    {"detach_on_destruction",
     [](Child& child) {
       child.detach_on_destruction();
       const bool ended_before = child.ends_on_destruction();
       child.kill_on_destruction();
       return !ended_before && child.ends_on_destruction();
     },
     false},
    {"wait_until_ready", is_polled_until_it_is_ready},
    {"send_interrupt_signal", [](Child& child) { return child.send_interrupt_signal().has_value(); }},
    {"send_terminate_signal", [](Child& child) { return child.send_terminate_signal().has_value(); }},
    {"send_signal", [](Child& child) { return child.send_signal(Signal::continue_process()).has_value(); }},
    {"attempt_log", [](Child& child) { return child.attempt_log().size() == 1; }},
    {"write_stdin", writes_until_the_timeout},
    {"terminate_on_destruction",
     [](Child& child) {
       return child.terminate_on_destruction(TerminationPolicy::leader_first(kMoment, kMoment)).has_value();
     }},
    {"terminate_on_destruction, refused",
     [](Child& child) {
       TerminationPolicy policy;
       policy.kill_timeout = -kMoment;
       return child.terminate_on_destruction(policy).error().kind == TerminationError::Kind::kRefused;
     }},
}};

TEST(CallWithoutMemory, ThrowsAtEveryAllocationAndLeavesTheChildAsItWas) {
  run_isolated([] {
    AckPipe ack;
    Command command = test_command(ack, {"stubborn"}).name(long_name());
    Child child = Child::spawn(command.stdin_from(Stdio::pipe())).value();
    EXPECT_EQ(ack.wait_line(), "ready");
    make_without_memory(child, kCallsOnARunningChild);
    EXPECT_TRUE(child.kill().has_value());
  });
}

constexpr std::array<Call, 10> kRefusedCalls = {{
    {"wait_for", [](Child& child) { return child.wait_for(-kMoment).has_error(); }},
    {"wait_or_terminate",
     [](Child& child) { return child.wait_or_terminate(-kMoment, TerminationPolicy::immediate()).has_error(); }},
    {"wait_until_ready", [](Child& child) { return child.wait_until_ready(nullptr, kMoment, kMoment).has_error(); }},
    {"terminate", [](Child& child) { return child.terminate(kMoment, -kMoment).has_error(); }},
    {"send_signal", [](Child& child) { return child.send_signal(Signal::from_number(32).value()).has_error(); }},
    {"write_stdin", [](Child& child) { return child.write_stdin("text", -kMoment).has_error(); }},
    {"output", [](Child& child) { return child.output(kStdout).has_error(); }},
    {"on_line", [](Child& child) { return child.on_line(kStdout, [](const Line&) {}).has_error(); }},
    {"wait_for_line", [](Child& child) { return child.wait_for_line(kStdout, "text", kNow).has_error(); }},
    {"wait_for_text", [](Child& child) { return child.wait_for_text(kStdout, "text", kNow).has_error(); }},
}};

TEST(CallWithoutMemory, ThrowsAtEveryAllocationOfARefusal) {
  run_isolated([] {
    Child child = Child::spawn(test_command({"sleep"}).name(long_name())).value();
    make_without_memory(child, kRefusedCalls);
    EXPECT_TRUE(child.kill().has_value());
  });
}

TEST(WaitWithoutMemory, ReturnsTheStatusWithoutAnAllocation) {
  run_isolated([] {
    Child child = Child::spawn(test_command({"read", "exit", "3"}).stdin_from(Stdio::pipe())).value();
    std::optional<ExitStatus> status;
    const ScarceCall scarcely(0, MemoryEnd::kForGood);
    EXPECT_EQ(scarcely([&] { status = child.wait().value(); }), CallResult::kHadEnough);
    EXPECT_EQ(status, ExitStatus::exited(3));
  });
}

constexpr std::size_t kKept = 100;

std::string one_line() { return std::string(60, 'l') + "\n"; }

// A child that has written the text, which has been read, and lives on.
Child spawn_writer(AckPipe& ack, const std::string& text) {
  CaptureOptions options;
  options.limit = kKept;
  Command command = test_command(ack, {"write", text, "sleep"}).stdout_to(Stdio::capture(options));
  Child child = Child::spawn(command.name(long_name())).value();
  EXPECT_EQ(ack.wait_line(), "ready");
  EXPECT_FALSE(child.drain_output(kNow).value().complete());
  return child;
}

constexpr std::array<Call, 1> kCallsForLongOutput = {{
    {"output",
     [](Child& child) {
       const Output output = child.output(kStdout).value();
       return output.size() == kKept && !output.tail().empty();
     }},
}};

constexpr std::array<Call, 6> kCallsForOneLine = {{
    {"output", [](Child& child) { return child.output(kStdout).value().text() == one_line(); }},
    {"drain_output", [](Child& child) { return child.drain_output(kNow).value().streams.size() == 1; }},
    {"wait_for_line, a text", [](Child& child) { return child.wait_for_line(kStdout, "lll", kNow).value().matched(); }},
    {"wait_for_line, a predicate",
     [](Child& child) {
       const std::array<int, 20> large = {};
       return child
           .wait_for_line(
               kStdout, [large](const Line&) { return large[0] == 0; }, kNow)
           .value()
           .matched();
     }},
    {"wait_for_text",
     [](Child& child) { return child.wait_for_text(kStdout, std::string(40, 'l'), kNow).value().matched(); }},
    {"wait_for_line, no such line",
     [](Child& child) { return !child.wait_for_line(kStdout, "another", kNow).value().matched(); }},
}};

TEST(OutputWithoutMemory, IsTheSameAfterEveryAllocationThatFails) {
  run_isolated([] {
    AckPipe ack;
    Child child = spawn_writer(ack, one_line());
    make_without_memory(child, kCallsForOneLine);
    EXPECT_TRUE(child.kill().has_value());
    Child other = spawn_writer(ack, one_line() + std::string(10 * kKept, 'x'));
    make_without_memory(other, kCallsForLongOutput);
    EXPECT_TRUE(other.kill().has_value());
  });
}

TEST(OutputWithoutMemory, CallsNoCallbackThatCouldNotBeAttached) {
  run_isolated([] {
    AckPipe ack;
    Child child = spawn_writer(ack, one_line());
    static std::atomic<int> lines{0};
    const int failures = fail_each_allocation([&](const ScarceCall& scarcely) {
      const std::array<int, 20> large = {1};
      EXPECT_NE(scarcely([&] { EXPECT_TRUE(child.on_line(kStdout, [large](const Line&) { lines += large[0]; })); }),
                CallResult::kCoped);
    });
    EXPECT_GT(failures, 2);
    EXPECT_TRUE(child.drain_output(kNow).has_value());
    EXPECT_EQ(lines, 1);
    EXPECT_TRUE(child.kill().has_value());
  });
}

// Where no descriptor is free the library reads /proc on a thread with a descriptor table of its own.
TEST(OutputWithoutMemory, IsDrainedAgainWhereNoDescriptorIsFree) {
  NEEDS_A_FULL_TABLE();
  run_isolated([] {
    AckPipe ack;
    Child child = spawn_writer(ack, one_line());
    {
      const ScarceDescriptors none(0);
      fail_each_allocation([&](const ScarceCall& scarcely) {
        EXPECT_NE(scarcely([&] { EXPECT_TRUE(child.drain_output(kNow).has_value()); }), CallResult::kCoped);
      });
    }
    EXPECT_TRUE(child.kill().has_value());
  });
}

// Makes the run once. If memory ended in it, the run has thrown or said so, and no process of the child is left.
void run_scarcely(const ScarceCall& scarcely, const Command& command, const RunOptions& options, std::size_t input) {
  std::optional<Result<RunResult, RunError>> result;
  if (scarcely([&] { result.emplace(run(command, options)); }) == CallResult::kThrew) return;
  EXPECT_TRUE(result->has_value()) << result->error();
  if (!result->has_value()) return;
  const RunResult& done = result->value();
  const bool is_fed = !done.stdin_report.has_value() || !done.stdin_report->read_error;
  EXPECT_TRUE(is_fed || done.stdin_report->read_error == std::errc::not_enough_memory);
  if (is_fed) {
    EXPECT_EQ(done.stdout_output.total_bytes(), input);
  }
  EXPECT_EQ(done.timed_out(), input == 0);
}

void check_run_without_memory(MemoryEnd end, const Command& command, const RunOptions& options, std::size_t input) {
  const int failures = fail_each_allocation(
      [&](const ScarceCall& scarcely) {
        check_leaves_nothing([&] { run_scarcely(scarcely, command, options, input); });
      },
      end);
  EXPECT_GT(failures, 20);
}

class RunWithoutMemory : public ::testing::TestWithParam<MemoryEnd> {};

TEST_P(RunWithoutMemory, LeavesNoChildAtAnyAllocation) {
  run_isolated([] {
    const CapturedLog log;
    RunOptions feeding;
    feeding.stdin_text = std::string(100'000, 'x');
    check_run_without_memory(GetParam(), Command("cat").name(long_name()), feeding, feeding.stdin_text->size());
    RunOptions ending;
    ending.timeout = absl::ZeroDuration();
    ending.policy = TerminationPolicy::service(absl::ZeroDuration());
    check_run_without_memory(GetParam(), test_command({"fork", "stubborn", "--", "stubborn"}), ending, 0);
    for (const CapturedLog::Record& record : log.records())
      EXPECT_NE(record.severity, LogSeverity::kError) << record.event;
  });
}

TEST_P(RunWithoutMemory, LeavesNoChildAtAnyAllocationWhereAFileIsRead) {
  run_isolated([] {
    RunOptions options;
    options.stdin_file = "/proc/self/exe";
    options.capture.limit = 1000;
    check_run_without_memory(GetParam(), Command("head").args({"-c", "50000"}), options, 50'000);
  });
}

INSTANTIATE_TEST_SUITE_P(That, RunWithoutMemory, ::testing::Values(MemoryEnd::kOnce, MemoryEnd::kForGood),
                         [](const auto& end) {
                           return end.param == MemoryEnd::kForGood ? "IsGoneForGood" : "IsRefusedOnce";
                         });

}  // namespace
}  // namespace warden::test_support
