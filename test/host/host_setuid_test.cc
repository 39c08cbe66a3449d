// A host that changes its user while children live. The C library makes every thread of the process change, including
// the reapers, by a signal of its own.
#include <errno.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/other_user.h"
#include "test/support/process_snapshot.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::Each;
using ::testing::SizeIs;

constexpr uid_t kUser = 61234;
const std::string kUserText = std::to_string(kUser);

class HostSetuid : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = why_no_other_user();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }
};

// Returns the real user of each thread of this process.
std::vector<std::string> users_of_threads() {
  std::vector<std::string> users;
  for (const auto& [thread, name] : ProcessSnapshot::take().threads) {
    std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
    for (std::string word; status >> word;) {
      if (word != "Uid:" || !(status >> word)) continue;
      users.push_back(word);
      break;
    }
  }
  return users;
}

// The sanitizer's own thread is not one of the C library's.
void expect_all_threads_changed() {
#ifndef __SANITIZE_THREAD__
  EXPECT_THAT(users_of_threads(), Each(kUserText));
#endif
}

// Spawns children that run as the user that the host becomes.
std::vector<Child> spawn_of_user(AckPipe& ack, int count, const std::vector<std::string>& mode) {
  std::vector<std::string> arguments = {"user", kUserText};
  arguments.insert(arguments.end(), mode.begin(), mode.end());
  std::vector<Child> children;
  for (int i = 0; i < count; ++i) {
    Command command = test_command(ack, arguments);
    children.push_back(Child::spawn(command.die_with_parent(i % 2 == 0)).value());
    EXPECT_TRUE(ack.wait_for("ready"));
  }
  return children;
}

TEST_F(HostSetuid, ChangesEveryReaperAndTheChildrenEndAsEver) {
  run_isolated_unchecked([] {
    AckPipe ack;
    std::vector<Child> children = spawn_of_user(ack, 20, {"handle", "TERM", "3"});
    ASSERT_TRUE(become_other_user(kUser));
    EXPECT_GE(users_of_threads().size(), 21u);
    expect_all_threads_changed();
    EXPECT_EQ(children[0].terminate(TerminationPolicy::service(kBound)).value(), ExitStatus::exited(3));
    EXPECT_EQ(children[1].kill().value().signal(), Signal::kill());
    children.erase(children.begin(), children.begin() + 2);
    for (const auto& one : terminate_all(children, TerminationPolicy::service(kBound))) {
      EXPECT_EQ(one.value().status, ExitStatus::exited(3));
    }
  });
}

TEST_F(HostSetuid, ReturnsWhileOtherThreadsWaitAndTerminate) {
  run_isolated_unchecked([] {
    AckPipe ack;
    std::vector<Child> children = spawn_of_user(ack, 3, {"mark", "INT", "TERM"});
    const absl::Duration infinite = absl::InfiniteDuration();
    const TerminationPolicy endless = TerminationPolicy::interrupt_first(infinite, infinite);
    std::vector<std::thread> threads;
    threads.emplace_back([&] { EXPECT_EQ(children[0].wait().value().signal(), Signal::kill()); });
    threads.emplace_back([&] { EXPECT_EQ(children[1].terminate(endless).value().signal(), Signal::kill()); });
    threads.emplace_back([&] { EXPECT_TRUE(terminate_all({&children[2]}, endless)[0].has_value()); });
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(ack.wait_for("got SIGINT"));
    ASSERT_TRUE(become_other_user(kUser));
    expect_all_threads_changed();
    for (Child& child : children) EXPECT_EQ(child.kill().value().signal(), Signal::kill());
    for (std::thread& thread : threads) thread.join();
  });
}

// The host gives up the right to signal its child: the call returns an error, and waits for the child still work.
TEST_F(HostSetuid, AChildThatIsOutOfReachEndsInEpermThatNamesItsUser) {
  run_isolated_unchecked([] {
    AckPipe ack;
    AckPipe hold;
    Command command = test_command(ack, {"read", "exit", "6"});
    Child child = Child::spawn(command.stdin_from(Stdio::fd(hold.read_fd()))).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    ASSERT_TRUE(become_other_user(kUser));
    TerminationPolicy policy = TerminationPolicy::service(absl::Milliseconds(10));
    policy.kill_timeout = absl::Milliseconds(10);
    const auto failed = child.terminate(policy);
    ASSERT_TRUE(failed.has_error());
    EXPECT_EQ(failed.error().code, std::error_code(EPERM, std::generic_category())) << failed.error();
    ASSERT_THAT(failed.error().stuck, SizeIs(1));
    EXPECT_EQ(failed.error().stuck[0].uid, 0);
    EXPECT_EQ(child.try_wait().value(), std::nullopt);
    hold.close_write();
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(6));
  });
}

// Spawns and changes of user run without a common lock or order: no spawn blocks a change of user for ever, and no
// change makes a spawn fail.
TEST_F(HostSetuid, MayHappenAnyNumberOfTimesDuringSpawnsAndWaits) {
  run_isolated_unchecked([] {
    std::atomic<int> running{0};
    std::vector<std::thread> spawners;
    for (int i = 0; i < 3; ++i) {
      ++running;
      spawners.emplace_back([i, &running] {
        for (int round = 0; round < 60; ++round) {
          const int code = i * 60 + round;
          Command command("/bin/sh");
          command.args({"-c", "exit " + std::to_string(code)}).die_with_parent(round % 2 == 0);
          Result<Child, SpawnError> child = Child::spawn(command);
          EXPECT_TRUE(child.has_value()) << child.error();
          if (!child.has_value()) break;
          EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(code));
        }
        --running;
      });
    }
    int changes = 0;
    for (; running > 0; ++changes) {
      EXPECT_EQ(::setresuid(kUser, kUser, 0), 0);
      EXPECT_EQ(::setresuid(0, 0, 0), 0);
    }
    EXPECT_GT(changes, 1);
    for (std::thread& thread : spawners) thread.join();
  });
}

}  // namespace
}  // namespace warden::test_support
