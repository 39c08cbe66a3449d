// Out of memory at each allocation of a call that needs no child: the call throws std::bad_alloc, and leaves its object
// as one that can be used.
#include <sys/resource.h>

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "lib/spawn/command_options.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/scarce_memory.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

// A text of which every copy allocates.
std::string long_text() { return std::string(100, 't'); }

Command full_command() {
  Command command("/bin/sh");
  command.args({"-c", "exit 7", long_text()}).env(long_text(), long_text()).unset_env(long_text()).name(long_text());
  return command.cwd("/").limit({RLIMIT_CORE, 0, 0}).stdout_to(Stdio::capture()).stderr_to(Stdio::merge());
}

struct Setter {
  const char* name;
  void (*set)(Command& command);
};

void PrintTo(const Setter& setter, std::ostream* out) { *out << setter.name; }

const Setter kSetters[] = {
    {"Arg", [](Command& command) { command.arg(long_text()); }},
    {"Args",
     [](Command& command) {
       command.args({"first", long_text(), "last"});
     }},
    {"ArgsOfAVector",
     [](Command& command) {
       command.args(std::vector<std::string>{"first", long_text()});
     }},
    {"Argv0", [](Command& command) { command.argv0(long_text()); }},
    {"CpuAffinity",
     [](Command& command) {
       command.cpu_affinity(std::vector<int>(8192)).shell_fallback(true);  // all of them processor 0
     }},
    {"Env", [](Command& command) { command.env("NAME", long_text()); }},
    {"UnsetEnv", [](Command& command) { command.unset_env(long_text()); }},
    {"ClearEnv", [](Command& command) { command.clear_env(); }},
    {"Cwd", [](Command& command) { command.cwd("/" + std::string(50, '/')); }},
    {"Name", [](Command& command) { command.name(long_text()); }},
    {"StdinFrom", [](Command& command) { command.stdin_from(Stdio::file("/dev/" + std::string(50, '/') + "null")); }},
    {"StdoutTo", [](Command& command) { command.stdout_to(Stdio::file("/dev/" + std::string(50, '/') + "null")); }},
    {"StderrTo",
     [](Command& command) { command.stderr_to(Stdio::append_file("/dev/" + std::string(50, '/') + "null")); }},
    {"InheritFd", [](Command& command) { command.inherit_fd(2, 3).inherit_fd(2, 4); }},
    {"Limit",
     [](Command& command) {
       command.limit({RLIMIT_CORE, 0, 0}).limit({RLIMIT_CORE, 0, 0});
     }},
    {"Credentials",
     [](Command& command) {
       Credentials credentials;
       credentials.groups = std::vector<std::uint32_t>{1, 2};
       command.credentials(std::move(credentials));
       command.credentials({});
     }},
    {"Shell", [](Command& command) { command = Command::shell("exit 7; " + long_text()); }},
    {"Copy", [](Command& command) { Command(command).arg(long_text()); }},
    {"Assignment",
     [](Command& command) {
       const Command other = full_command();
       command = other;
     }},
};

// std::error_code asks for the category in a constructor that is noexcept.
TEST(ErrorCodeWithoutMemory, CanBeMadeAtAnyTime) {
  run_isolated([] {
    fail_each_allocation([](const ScarceCall& scarcely) {
      scarcely([] { EXPECT_TRUE(static_cast<bool>(std::error_code(Errc::kEmptyHandle))); });
    });
  });
}

class CommandWithoutMemory : public ::testing::TestWithParam<Setter> {};

TEST_P(CommandWithoutMemory, CanBeCopiedAndSetAgainAndRunAfterEveryAllocationThatFails) {
  run_isolated([] {
    const Setter setter = GetParam();
    const int failures = fail_each_allocation([&](const ScarceCall& scarcely) {
      Command command = full_command();
      EXPECT_NE(scarcely([&] { setter.set(command); }), CallResult::kCoped);
      EXPECT_EQ(command.arguments().at(0), "-c");
      setter.set(command);
      const Command copy = command;
      EXPECT_EQ(copy.arguments(), command.arguments());
      EXPECT_EQ(internal::options_of(copy).env_changes.size(), internal::options_of(command).env_changes.size());
      if (internal::options_of(copy).inherited_fds.size() > 2) return;  // a spawn refuses a target that is named twice
      Result<Child, SpawnError> child = Child::spawn(command.clear_env());
      ASSERT_TRUE(child.has_value()) << child.error();
      EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(7));
    });
    EXPECT_GT(failures, 0);
  });
}

INSTANTIATE_TEST_SUITE_P(Of, CommandWithoutMemory, ::testing::ValuesIn(kSetters),
                         [](const auto& setter) { return std::string(setter.param.name); });

// Makes the call until it has enough memory; it throws at every allocation that fails.
void expect_throws(const char* name, const std::function<void()>& call) {
  SCOPED_TRACE(name);
  const int failures = fail_each_allocation([&call](const ScarceCall& scarcely) {
    EXPECT_NE(scarcely([&call] { call(); }), CallResult::kCoped);
    call();
  });
  EXPECT_GT(failures, 0);
}

template <class Error>
bool throws_a_system_error(const Error& error) {
  const Result<int, Error> result(error);
  try {
    static_cast<void>(result.value());
  } catch (const std::system_error&) {
    return true;
  }
  return false;
}

// Without memory for the text, std::bad_alloc comes in place of std::system_error.
template <class Error>
void expect_error_throws(const char* name, const Error& error) {
  expect_throws(name, [&error] { EXPECT_FALSE(error.to_string().empty()); });
  expect_throws(name, [&error] { EXPECT_TRUE(throws_a_system_error(error)); });
}

TEST(ErrorWithoutMemory, ThrowsAtEveryAllocationOfItsTextAndOfItsException) {
  run_isolated([] {
    Child child = Child::spawn(test_command({"stubborn"}).name(long_text())).value();
    TerminationPolicy refused;
    refused.kill_timeout = -absl::Seconds(1);
    expect_error_throws("SpawnError", Child::spawn(Command(long_text())).error());
    expect_error_throws("WaitError", child.wait_for(-absl::Seconds(1)).error());
    expect_error_throws("TerminationError", child.terminate(refused).error());
    expect_error_throws("WaitOrTerminateError", child.wait_or_terminate(-absl::Seconds(1), refused).error());
    expect_error_throws("StdinError", child.write_stdin("text", absl::Seconds(1)).error());
    expect_error_throws("OutputError", child.output(OutputStream::kStdout).error());
    expect_error_throws("RunError", run(Command(long_text())).error());
    expect_error_throws("InvalidArgument", *refused.validate());
    EXPECT_TRUE(child.kill().has_value());
    expect_throws("attempt_log", [&child] { EXPECT_FALSE(child.attempt_log().to_string().empty()); });
    expect_throws("AttemptLog::errors", [&child] { static_cast<void>(AttemptLog(child.attempt_log()).errors()); });
  });
}

TEST(CheckWithoutMemory, ThrowsAtEveryAllocationAndLeavesACopyOfTheResultAsItWas) {
  run_isolated([] {
    const Result<RunResult, RunError> done = run(Command::shell("seq 2000 >&2; exit 7").name(long_text()));
    ASSERT_TRUE(done.has_value());
    expect_throws("require_success",
                  [&done] { EXPECT_EQ(require_success(done).error().step, RunError::Step::kRequireSuccess); });
    const std::string text = done.value().stderr_output.text();
    expect_throws("Output::text", [&] { EXPECT_EQ(done.value().stderr_output.text(), text); });
    expect_throws("Output::chunks", [&] { EXPECT_FALSE(done.value().stderr_output.chunks().empty()); });
    expect_throws("a copy", [&] { EXPECT_EQ(Output(done.value().stderr_output).size(), text.size()); });
    expect_throws("an assignment", [&] {
      Output output;
      output = done.value().stderr_output;
      EXPECT_EQ(output.size(), text.size());
    });
  });
}

TEST(PolicyWithoutMemory, ThrowsAtEveryAllocation) {
  const absl::Duration moment = absl::Milliseconds(1);
  expect_throws("interrupt_first", [&] { static_cast<void>(TerminationPolicy::interrupt_first(moment, moment)); });
  expect_throws("leader_first", [&] { static_cast<void>(TerminationPolicy::leader_first(moment, moment)); });
  expect_throws("service", [&] { static_cast<void>(TerminationPolicy::service(moment)); });
  const TerminationPolicy policy = TerminationPolicy::service(moment);
  expect_throws("validate", [&] { EXPECT_FALSE(policy.validate().has_value()); });
  expect_throws("Signal::from_name", [] { EXPECT_FALSE(Signal::from_name("NO-SUCH-SIGNAL-AT-ALL").has_value()); });
}

void take_record(const LogRecord&, void*) {}
void take_abandoned_child(const AbandonedChild&, void*) {}

// A sink or handler that was set before keeps its memory for good: each is set with a context of its own.
TEST(CallbackWithoutMemory, ThrowsAtItsAllocationAndCanBeSetAgain) {
  run_isolated([] {
    static int contexts[2];
    EXPECT_EQ(fail_each_allocation(
                  [](const ScarceCall& scarcely) { scarcely([] { set_log_sink(take_record, &contexts[0]); }); }),
              1);
    EXPECT_EQ(fail_each_allocation([](const ScarceCall& scarcely) {
                scarcely([] { set_abandoned_child_handler(take_abandoned_child, &contexts[1]); });
              }),
              1);
    set_log_sink(nullptr, nullptr);
    set_abandoned_child_handler(nullptr, nullptr);
  });
}

}  // namespace
}  // namespace warden::test_support
