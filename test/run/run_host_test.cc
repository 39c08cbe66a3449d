// run() in hosts that ignore SIGCHLD, die of SIGPIPE, have no threads or descriptors left, or cancel their threads.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <system_error>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/cancellable_thread.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/kept_status.h"
#include "test/support/large_text.h"
#include "test/support/run_helpers.h"
#include "test/support/seccomp_filter.h"
#include "test/support/sigchld_disposition.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using Step = RunError::Step;

TEST(RunWhereSigchldIsIgnored, HasTheStatusAndAllOutput) {
  const SigchldDisposition ignored(SIG_IGN, 0);
  for (int i = 0; i < 20; ++i) {
    const RunResult result = run(shell("cat; echo err >&2; exit 3"), feeding("text")).value();
    EXPECT_TRUE(is_right(result.status, ExitStatus::exited(3))) << result.status;
    EXPECT_EQ(result.stdout_output.text(), "text");
    EXPECT_EQ(result.stderr_output.text(), "err\n");
  }
}

TEST(RunWhereSigchldIsIgnored, TerminatesAfterTheTimeout) {
  const SigchldDisposition ignored(SIG_IGN, 0);
  RunOptions options;
  options.timeout = absl::Milliseconds(10);
  options.policy = TerminationPolicy::immediate();
  const RunResult result = run(test_command({"fork", "stubborn", "--", "stubborn"}), options).value();
  EXPECT_TRUE(result.timed_out());
  EXPECT_EQ(result.status, if_kept(ExitStatus::signaled(Signal::kill(), false)));
}

// SIGPIPE has its default action: it would end the host.
TEST(RunWhereSigpipeIsDeadly, SurvivesAChildThatDoesNotReadItsInput) {
  run_isolated_unchecked([] {
    ::signal(SIGPIPE, SIG_DFL);
    check_leaves_nothing([] {
      for (int i = 0; i < 10; ++i) {
        const Command command = test_command({"close-stdin", "exit", "0"});
        const RunResult result = run(command, feeding(large_text(1'000'000))).value();
        EXPECT_TRUE(result.status.success());
        EXPECT_TRUE(result.stdin_report->stopped.has_value());
      }
    });
    sigset_t pending;
    EXPECT_EQ(::sigpending(&pending), 0);
    EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
  });
}

TEST(RunWithClosedStandardStreams, FeedsAndReadsAsEver) {
  run_isolated_unchecked([] {
    for (const int fd : {0, 1, 2}) ::close(fd);
    RunOptions options;
    options.stdin_file = "/proc/self/comm";
    const RunResult result = run(shell("cat; ls /proc/$PPID/fd >&2"), options).value();
    EXPECT_GT(result.stdout_output.size(), 1u);
    const std::string descriptors = "\n" + result.stderr_output.text();
    EXPECT_GT(descriptors.size(), 1u);
    for (const char* fd : {"\n0\n", "\n1\n", "\n2\n"}) EXPECT_EQ(descriptors.find(fd), std::string::npos) << fd;
    EXPECT_TRUE(run(Command("cat"), feeding("text")).value().stdout_output.text() == "text");
    for (const int fd : {0, 1, 2}) EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
  });
}

TEST(RunOnACancelledThread, ComesToItsEnd) {
  expect_to_complete([] {
    EXPECT_EQ(run(shell("cat; sleep 0.1; echo end"), feeding("text ")).value().stdout_output.text(), "text end\n");
  });
}

// The library may send no signal. run() returns at once with what it knows, and leaves the child to its reaper.
TEST(RunWhereNobodyCanBeSignalled, EndsInAnErrorWithTheOutputAndLeavesTheChildToItsReaper) {
  run_isolated_unchecked([] {
    const CapturedLog log;
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_TRUE(refuse_system_calls({{SYS_pidfd_send_signal, EPERM}, {SYS_kill, EPERM}}));
    RunOptions options;
    options.policy = TerminationPolicy::immediate();
    options.policy.failed_send_grace = absl::ZeroDuration();
    options.drain_timeout = absl::InfiniteDuration();
    const Command command = shell("echo ready; read line").stdin_from(Stdio::fd(ends[0]));
    RunError error;
    for (absl::Duration timeout = absl::Milliseconds(50); error.stdout_output.size() == 0; timeout *= 3) {
      ASSERT_LT(timeout, kBound);
      options.timeout = timeout;
      error = error_of_run(command, options);
    }
    EXPECT_EQ(error.step, Step::kTermination);
    EXPECT_EQ(error.code, std::errc::operation_not_permitted) << error;
    EXPECT_TRUE(error.wait_error->termination_error.has_value());
    EXPECT_EQ(error.to_string(), error.wait_error->to_string());
    EXPECT_FALSE(error.status.has_value());
    EXPECT_EQ(error.stdout_output.text(), "ready\n");
    EXPECT_FALSE(error.drain.complete());
    for (const CapturedLog::Record& record : log.records()) {
      EXPECT_EQ(record.event.find("destroyed"), std::string::npos) << "it is no mistake of the program";
    }
    ::close(ends[0]);
    ::close(ends[1]);
    EXPECT_TRUE(wait_until_childless());
  });
}

void set_soft_limit(__rlimit_resource resource, rlim_t value) {
  struct rlimit limit = {};
  ASSERT_EQ(::getrlimit(resource, &limit), 0);
  limit.rlim_cur = value;
  ASSERT_EQ(::setrlimit(resource, &limit), 0);
}

// In this order: the reader's thread, the reaper's, and, once the child runs, the feeder's.
TEST(RunWithoutAThread, IsAnErrorThatLeavesNothingAndSaysWhichCouldNotBeHad) {
  for (int refused = 0; refused < 3; ++refused) {
    run_isolated_unchecked([refused] {
      const CapturedLog log;
      EXPECT_TRUE(run(Command("/bin/true")).has_value());  // the library's first thread needs another
      const RefusedOnce filter(refused_threads(), refused);
      check_leaves_nothing([refused] {
        const RunError error = error_of_run(shell("echo started; exec cat"), feeding("text"));
        EXPECT_EQ(error.step, refused < 2 ? Step::kSpawn : Step::kFeed) << error;
        EXPECT_EQ(error.code, std::error_code(EAGAIN, std::generic_category()));
        if (refused < 2) return;
        EXPECT_EQ(error.status, ExitStatus::signaled(Signal::kill(), false));
        EXPECT_EQ(error.termination.value().ended_by, AttemptPhase::kKill);
        EXPECT_EQ(error.to_string(),
                  "process 'sh' was killed: no thread could be created to feed its stdin: Resource temporarily "
                  "unavailable.");
      });
      EXPECT_TRUE(log.records().empty());
    });
  }
}

// The library may neither feed the child nor kill it, and leaves it to its reaper.
TEST(RunWithoutAThread, SaysThatTheChildCouldNotBeKilledEither) {
  run_isolated_unchecked([] {
    const CapturedLog log;
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_TRUE(refuse_system_calls({{SYS_pidfd_send_signal, EPERM}, {SYS_kill, EPERM}}));
    EXPECT_TRUE(run(Command("/bin/true")).has_value());  // the library's first thread needs another
    const RefusedOnce filter(refused_threads(), 2);
    const Command command = shell("read line <&9; exit 0").inherit_fd(ends[0], 9);
    const RunError error = error_of_run(command, feeding("text"));
    EXPECT_EQ(error.step, Step::kFeed);
    EXPECT_EQ(error.code, std::error_code(EAGAIN, std::generic_category()));
    EXPECT_FALSE(error.status.has_value());
    EXPECT_FALSE(error.termination.has_value());
    EXPECT_FALSE(error.drain.complete());
    ASSERT_TRUE(error.termination_error.has_value());
    EXPECT_EQ(error.termination_error->code, std::errc::operation_not_permitted);
    EXPECT_EQ(error.to_string(),
              "process 'sh' got no input: no thread could be created to feed its stdin: Resource temporarily "
              "unavailable. " +
                  error.termination_error->to_string());
    for (const CapturedLog::Record& record : log.records()) {
      EXPECT_EQ(record.event.find("destroyed"), std::string::npos) << "it is no mistake of the program";
    }
    ::close(ends[1]);
    EXPECT_TRUE(wait_until_childless());
    ::close(ends[0]);
  });
}

// One look at the child fails, for a reason that no kernel gives. The child has no group, for which old kernels look
// once more.
TEST(RunWhoseWaitBreaks, TerminatesTheChildAndSaysBoth) {
  run_isolated_unchecked([] {
    const RefusedOnce filter({refused_pidfd_wait(EIO)}, 1);  // the first is the launch's
    check_leaves_nothing([] {
      RunOptions options = feeding("text");
      options.timeout = absl::Milliseconds(20);
      const RunError error = error_of_run(test_command({"sleep"}).group(false), options);
      EXPECT_EQ(error.step, Step::kWait);
      EXPECT_EQ(error.code, std::errc::io_error);
      ASSERT_TRUE(error.wait_error.has_value());
      EXPECT_EQ(error.wait_error->kind, WaitOrTerminateError::Kind::kWaitFailed);
      EXPECT_EQ(error.to_string(), error.wait_error->to_string());
      EXPECT_EQ(error.status, ExitStatus::signaled(Signal::terminate(), false));
      ASSERT_TRUE(error.termination.has_value());
      EXPECT_EQ(error.termination->ended_by, AttemptPhase::kTerminate);
      EXPECT_TRUE(error.drain.complete());
      EXPECT_TRUE(error.stdin_report.has_value());
    });
  });
}

// Runs with room for that many more descriptors.
void run_with_room_for(unsigned room, bool* has_run) {
  struct rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int used = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(::close(used), 0);
  // UndefinedBehaviorSanitizer needs a descriptor when it checks an error category for the first time.
  EXPECT_NE(std::error_code(EMFILE, std::generic_category()).message(), "");
  set_soft_limit(RLIMIT_NOFILE, static_cast<rlim_t>(used) + room);
  RunOptions options;
  options.stdin_file = "/dev/null";
  const Result<RunResult, RunError> result = run(Command("cat"), options);
  set_soft_limit(RLIMIT_NOFILE, before.rlim_cur);  // the sanitizers' own checks need a descriptor
  *has_run = result.has_value();
  if (*has_run) {
    EXPECT_TRUE(result.value().status.success());
    EXPECT_TRUE(result.value().stdin_report->complete());
  } else {
    EXPECT_TRUE(result.error().step == Step::kOptions || result.error().step == Step::kSpawn) << result.error();
    EXPECT_EQ(result.error().code, std::error_code(EMFILE, std::generic_category()));
  }
}

TEST(RunWithFewDescriptors, EitherWorksOrIsAnErrorThatLeavesNothing) {
  run_isolated([] {
    bool has_run = false;
    unsigned room = 0;
    for (; room < 20 && !has_run; ++room) check_leaves_nothing([&] { run_with_room_for(room, &has_run); });
    EXPECT_TRUE(has_run);
    EXPECT_GT(room, 5u);
  });
}

}  // namespace
}  // namespace warden::test_support
