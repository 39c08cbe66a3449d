// pthread_cancel while a call on a child blocks: the call goes on and returns what it would have, and the thread is
// cancelled only afterwards.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/cancellable_thread.h"
#include "test/support/child_probe.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

// Makes the call in a thread, waits until the call blocks, cancels the thread, and then lets the call end.
void expect_to_outlast(const std::function<void()>& call, const std::function<void()>& wait_until_inside,
                       const std::function<void()>& let_go) {
  std::atomic<bool> called{false};
  CancellableThread thread([&] {
    called = true;
    call();
  });
  while (!called) ::sched_yield();
  wait_until_inside();
  thread.cancel();
  EXPECT_FALSE(thread.completed());
  let_go();
  EXPECT_TRUE(thread.join());
  EXPECT_TRUE(thread.completed());
}

class CancellationDuring : public ::testing::Test {
 protected:
  // The C library claims a signal with the first cancellation; this one comes before the leak listener's first
  // snapshot.
  static void SetUpTestSuite() {
    expect_to_complete([] {});
  }

  Child spawn(const std::vector<std::string>& mode) {
    Child child = Child::spawn(test_command(ack_, mode)).value();
    EXPECT_TRUE(ack_.wait_for("ready"));
    return child;
  }
  // A child that does not end by itself or by either signal.
  Child spawn_marking() { return spawn({"mark", "INT", "TERM"}); }

  AckPipe ack_;
  const TerminationPolicy endless_ =
      TerminationPolicy::interrupt_first(absl::InfiniteDuration(), absl::InfiniteDuration());
};

TEST_F(CancellationDuring, AWaitComesAfterIt) {
  const std::function<ExitStatus(Child&)> waits[] = {
      [](Child& child) { return child.wait().value(); },
      [](Child& child) { return *child.wait_for(kBound).value(); },
      [](Child& child) { return *child.wait_until(std::chrono::steady_clock::time_point::max()).value(); },
      [](Child& child) { return child.wait_or_terminate(kBound, TerminationPolicy::immediate()).value().status; },
  };
  for (const auto& wait : waits) {
    Child child = spawn({"handle", "USR1", "4"});
    expect_to_outlast([&] { EXPECT_EQ(wait(child), ExitStatus::exited(4)); },
                      [&] { EXPECT_EQ(child.wait_for(absl::Milliseconds(20)).value(), std::nullopt); },
                      [&] { EXPECT_TRUE(child.send_signal(Signal::user1()).has_value()); });
  }
}

TEST_F(CancellationDuring, ATerminationComesAfterIt) {
  const std::function<ExitStatus(Child&)> terminations[] = {
      [&](Child& child) { return child.terminate(endless_).value(); },
      [&](Child& child) { return child.terminate_with_report(endless_).value().status; },
      [&](Child& child) { return child.wait_or_terminate({}, endless_).value().status; },
      [&](Child& child) { return terminate_all({&child}, endless_)[0].value().status; },
  };
  for (const auto& terminate : terminations) {
    Child child = spawn_marking();
    expect_to_outlast([&] { EXPECT_EQ(terminate(child).signal(), Signal::kill()); },
                      [&] { EXPECT_TRUE(ack_.wait_for("got SIGINT")); },
                      [&] { EXPECT_EQ(child.kill().value().signal(), Signal::kill()); });
  }
}

TEST_F(CancellationDuring, ATerminationOfManyComesAfterIt) {
  std::vector<Child> children;
  for (int i = 0; i < 4; ++i) children.push_back(spawn_marking());
  const auto for_each = [&children](const auto& body) {
    for (Child& child : children) body(child);
  };
  expect_to_outlast(
      [&] {
        for (const auto& one : terminate_all(children, endless_)) EXPECT_TRUE(one.has_value());
      },
      [&] { for_each([&](Child&) { EXPECT_TRUE(ack_.wait_for("got SIGINT")); }); },
      [&] { for_each([](Child& child) { EXPECT_TRUE(child.kill().has_value()); }); });
}

TEST_F(CancellationDuring, ADestructorByAPolicyComesAfterIt) {
  auto child = std::make_unique<Child>(spawn_marking());
  ASSERT_TRUE(child->terminate_on_destruction(endless_).has_value());
  const Pidfd process(child->pid());
  expect_to_outlast([&] { child.reset(); }, [&] { EXPECT_TRUE(ack_.wait_for("got SIGINT")); },
                    [&] { EXPECT_TRUE(process.send(SIGKILL)); });
  EXPECT_TRUE(process.wait_reaped());
}

// A tracer holds the killed child's zombie, so that the call certainly blocks: until the tracer is killed, and for
// three seconds at most.
class CancellationDuringAKill : public CancellationDuring {
 protected:
  CancellationDuringAKill() : child_(std::make_unique<Child>(spawn({"sleep"}))), process_(child_->pid()) {
    tracer_.emplace(Child::spawn(test_command(ack_, {"trace", std::to_string(child_->pid())})).value());
    EXPECT_TRUE(ack_.wait_for("tracing"));
  }

  void expect_to_outlast_the_hold(const std::function<void()>& call) {
    expect_to_outlast(
        call, [&] { EXPECT_TRUE(process_.wait_dead()); }, [&] { EXPECT_TRUE(tracer_->kill().has_value()); });
  }

  std::unique_ptr<Child> child_;
  std::optional<Child> tracer_;
  Pidfd process_;
};

TEST_F(CancellationDuringAKill, ComesAfterIt) {
  expect_to_outlast_the_hold([&] {
    const auto killed = child_->kill();
    EXPECT_TRUE(killed.has_value() || killed.error().code == Errc::kNotReapable);
  });
  EXPECT_EQ(child_->kill().value().signal(), Signal::kill());
}

TEST_F(CancellationDuringAKill, OfADestructorComesAfterIt) {
  const CapturedLog log;
  expect_to_outlast_the_hold([&] { child_.reset(); });
  EXPECT_TRUE(process_.wait_reaped());
  EXPECT_FALSE(log.records().empty());
}

// A FIFO: the child's open for reading blocks until another process opens it for writing, which holds the child before
// its exec.
class NamedPipe {
 public:
  NamedPipe() : path_(::testing::TempDir() + "/pipe-" + std::to_string(::getpid())) {
    EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  }
  ~NamedPipe() { ::unlink(path_.c_str()); }
  NamedPipe(const NamedPipe&) = delete;
  NamedPipe& operator=(const NamedPipe&) = delete;

  const std::string& path() const { return path_; }
  // Also waits for a reader.
  void open_and_close() const {
    const int writer = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    EXPECT_GE(writer, 0);
    ::close(writer);
  }

 private:
  std::string path_;
};

void wait_until_there_is_a_child() {
  siginfo_t info = {};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0) ::sched_yield();
}

TEST_F(CancellationDuring, ASpawnComesAfterIt) {
  const NamedPipe pipe;
  for (const bool die_with_parent : {false, true}) {
    Command command = test_command({"read"});
    command.stdin_from(Stdio::file(pipe.path())).die_with_parent(die_with_parent);
    std::optional<Child> child;
    expect_to_outlast([&] { child.emplace(Child::spawn(command).value()); }, wait_until_there_is_a_child,
                      [&] { pipe.open_and_close(); });
    EXPECT_EQ(child->wait().value(), ExitStatus::exited(0));
  }
}

}  // namespace
}  // namespace warden::test_support
