// A host whose signal handlers interrupt every call in every thread, all the time: results are the same as without
// them, and timeouts pass neither early nor never.
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// ThreadSanitizer's runtime delays handlers and runs them with all signals blocked. It saves the previous mask in one
// place for each thread: a handler that runs while another runs overwrites it (ProcessPendingSignals of
// tsan_interceptors_posix.cpp), and the thread is left with all signals blocked.
#ifdef __SANITIZE_THREAD__
#define NEEDS_TRUE_MASKS() GTEST_SKIP() << "a storm makes the sanitizer's runtime lose the mask of a thread"
#else
#define NEEDS_TRUE_MASKS() static_cast<void>(0)
#endif

thread_local std::atomic<int> handled_here{0};

int this_thread() { return static_cast<int>(::syscall(SYS_gettid)); }

// Sends SIGUSR1 to every thread of this process at full speed, and SIGALRM to any thread every fifth of a millisecond;
// both have handlers without SA_RESTART.
class Storm {
 public:
  Storm() {
    struct sigaction action = {};
    action.sa_handler = [](int) { handled_here.fetch_add(1, std::memory_order_relaxed); };
    ::sigaction(SIGUSR1, &action, &usr1_before_);
    ::sigaction(SIGALRM, &action, &alarm_before_);
    thread_ = std::thread([this] { send(); });
    set_timer(200);
  }
  ~Storm() {
    set_timer(0);
    stop_ = true;
    thread_.join();
    // Signals that are still pending come first.
    handled_here = 0;
    ::raise(SIGUSR1);
    ::raise(SIGALRM);
    ::sigaction(SIGUSR1, &usr1_before_, nullptr);
    ::sigaction(SIGALRM, &alarm_before_, nullptr);
  }
  Storm(const Storm&) = delete;
  Storm& operator=(const Storm&) = delete;

 private:
  static void set_timer(suseconds_t period) {
    const struct itimerval timer = {{0, period}, {0, period}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }

  void send() {
    const int self = this_thread();
    while (!stop_) {
      DIR* tasks = ::opendir("/proc/self/task");
      while (const dirent* entry = tasks == nullptr ? nullptr : ::readdir(tasks)) {
        const int thread = ::atoi(entry->d_name);
        if (thread > 0 && thread != self) ::syscall(SYS_tgkill, ::getpid(), thread, SIGUSR1);
      }
      if (tasks != nullptr) ::closedir(tasks);
    }
  }

  struct sigaction usr1_before_ = {};
  struct sigaction alarm_before_ = {};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Waits until a thread has been interrupted that many more times.
void wait_for_handlers(const std::atomic<int>& handled, int count) {
  const int target = handled + count;
  while (handled < target) std::this_thread::yield();
}

// Runs the body on several threads at once, in each once the signals have begun.
template <class Body>
void run_threads(Body body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&body, i] {
      wait_for_handlers(handled_here, 1);
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

constexpr int kManyHandlers = 1000;

TEST(Storm, SpawnAndWaitAreRight) {
  NEEDS_TRUE_MASKS();
  const Storm storm;
  run_threads([](int thread) {
    for (int i = 0; i < 25; ++i) {
      const int code = thread * 25 + i;
      Command command = test_command({"read", "exit", std::to_string(code)});
      command.stdin_from(Stdio::pipe()).die_with_parent(i % 2 == 0);
      Result<Child, SpawnError> child = Child::spawn(command);
      ASSERT_TRUE(child.has_value()) << child.error();
      EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(code));
      const Result<Child, SpawnError> missing = Child::spawn(Command("/no/such/program").die_with_parent(i % 2 == 0));
      ASSERT_TRUE(missing.has_error());
      EXPECT_EQ(missing.error().code, std::errc::no_such_file_or_directory);
    }
  });
}

// The child exits only after a thousand interruptions, any of which might have passed for the timeout.
TEST(Storm, AWaitForIsNotCutShort) {
  NEEDS_TRUE_MASKS();
  const Storm storm;
  AckPipe ack;
  Child child = Child::spawn(test_command(ack, {"handle", "USR1", "4"})).value();
  ASSERT_TRUE(ack.wait_for("ready"));
  std::thread end([&child, &handled = handled_here] {
    wait_for_handlers(handled, kManyHandlers);
    EXPECT_TRUE(child.send_signal(Signal::user1()).has_value());
  });
  EXPECT_EQ(child.wait_for(kBound).value(), ExitStatus::exited(4));
  end.join();
}

// A timeout that started again after each interruption would never pass.
TEST(Storm, AWaitForEndsThoughInterruptedMoreOftenThanItsTime) {
  NEEDS_TRUE_MASKS();
  const Storm storm;
  Child child = Child::spawn(test_command({"sleep"})).value();
  EXPECT_EQ(child.wait_for(absl::Milliseconds(100)).value(), std::nullopt);
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
}

TEST(Storm, AGraceIsNotCutShort) {
  NEEDS_TRUE_MASKS();
  const Storm storm;
  AckPipe held;
  AckPipe ready;
  Command command("sh");  // whose handler returns when the shell's stdin ends
  command.args({"-c", "trap 'read line; exit 5' TERM; echo ready >&2; while :; do sleep 0.01; done"})
      .stdin_from(Stdio::fd(held.read_fd()))
      .stderr_to(Stdio::fd(ready.write_fd()));
  Child child = Child::spawn(command).value();
  ASSERT_TRUE(ready.wait_for("ready"));
  std::thread end([&held, &handled = handled_here] {
    wait_for_handlers(handled, kManyHandlers);
    held.close_write();
  });
  TerminationPolicy policy = TerminationPolicy::leader_first(kBound, kBound);
  EXPECT_EQ(child.terminate(policy).value(), ExitStatus::exited(5));
  end.join();
}

TEST(Storm, TheLadderEndsAWholeStubbornGroup) {
  NEEDS_TRUE_MASKS();
  const Storm storm;
  run_threads([](int) {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"fork", "stubborn", "--", "stubborn"})).value();
    const Pidfd descendant(wait_forked(ack, {"ready", "child ready"}));
    const absl::Duration grace = absl::Milliseconds(50);
    const auto ended = child.terminate_with_report(TerminationPolicy::interrupt_first(grace, grace));
    ASSERT_TRUE(ended.has_value()) << ended.error();
    EXPECT_EQ(ended.value().status.signal(), Signal::kill());
    EXPECT_THAT(sent_signals(ended.value().attempts), ElementsAre("SIGINT group", "SIGTERM group", "SIGKILL group"));
    EXPECT_TRUE(descendant.is_dead());
    EXPECT_THAT(live_members(child.pid()), IsEmpty());
  });
}

TEST(Storm, TerminateAllEndsAll) {
  NEEDS_TRUE_MASKS();
  const Storm storm;
  AckPipe ack;
  std::vector<Child> children;
  for (int i = 0; i < 20; ++i) {
    children.push_back(Child::spawn(test_command(ack, {"handle", "TERM", std::to_string(i)})).value());
    ASSERT_TRUE(ack.wait_for("ready"));
  }
  const auto ended = terminate_all(children, TerminationPolicy::service(kBound));
  ASSERT_EQ(ended.size(), children.size());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ended[static_cast<size_t>(i)].value().status, ExitStatus::exited(i));
}

TEST(Storm, KillAndTheDestructorEndTheirs) {
  NEEDS_TRUE_MASKS();
  const CapturedLog log;
  const Storm storm;
  run_threads([](int) {
    for (int i = 0; i < 10; ++i) {
      Child killed = Child::spawn(test_command({"stubborn"})).value();
      EXPECT_EQ(killed.kill().value().signal(), Signal::kill());
      auto abandoned = std::make_unique<Child>(Child::spawn(test_command({"stubborn"})).value());
      const Pidfd process(abandoned->pid());
      abandoned.reset();
      EXPECT_TRUE(process.is_dead());
    }
  });
  EXPECT_EQ(log.records().size(), 40u);
}

}  // namespace
}  // namespace warden::test_support
