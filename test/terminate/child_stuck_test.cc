// Children that SIGKILL does not end, or that the host may not signal: the error says why, and the call can be
// repeated. child_trace_test.cc covers children that a tracer holds. Runs outside the sandbox of Bazel, which maps one
// user only and has no writable control groups.
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int kChildUser = 1234;
constexpr uid_t kOurUser = 4321;

// Whether the change of user works, tried in a forked process.
bool can(const std::function<bool()>& act) {
  const pid_t probe = ::fork();
  if (probe == 0) ::_exit(act() ? 0 : 1);
  int status = -1;
  ::waitpid(probe, &status, 0);
  return status == 0;
}

// Keeps root as the saved user, so that the process can become root again.
bool step_down() { return ::setresuid(kOurUser, kOurUser, 0) == 0; }

class ForbiddenChild : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can([] { return ::setresuid(kChildUser, kChildUser, kChildUser) == 0; }) || !can(step_down)) {
      GTEST_SKIP() << "needs to be root, with other users mapped";
    }
  }
};

TEST_F(ForbiddenChild, EndsInEpermWithTheChildsUserAfterTheGracesAndCanBeEndedWithThePermission) {
  run_isolated_unchecked([] {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"user", std::to_string(kChildUser), "sleep"})).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    ASSERT_TRUE(step_down());
    const auto failed = child.terminate(absl::InfiniteDuration(), absl::InfiniteDuration());
    ASSERT_TRUE(failed.has_error());
    const TerminationError& error = failed.error();
    EXPECT_EQ(error.code, std::errc::operation_not_permitted);
    EXPECT_THAT(sent_signals(error.attempts),
                ElementsAre("SIGINT group: failed", "SIGTERM group: failed", "SIGKILL group: failed"));
    int graces = 0;
    for (const Attempt& attempt : error.attempts) {
      EXPECT_NE(attempt.operation, AttemptOperation::kWaitForExit) << attempt;
      if (attempt.operation == AttemptOperation::kSendSignal) {
        EXPECT_EQ(attempt.error, std::errc::operation_not_permitted) << attempt;
      }
      if (attempt.phase != AttemptPhase::kPreflight && attempt.operation == AttemptOperation::kCheckStatus) ++graces;
    }
    EXPECT_EQ(graces, 3) << error.attempts;
    ASSERT_THAT(error.stuck, SizeIs(1));
    EXPECT_EQ(error.stuck[0].pid, child.pid());
    EXPECT_EQ(error.stuck[0].uid, kChildUser);
    EXPECT_EQ(error.stuck[0].state, 'S');
    EXPECT_THAT(error.to_string(), HasSubstr("of user 1234"));
    EXPECT_EQ(child.try_wait().value(), std::nullopt) << "it lives on under supervision";

    const auto signalled = child.send_terminate_signal();
    ASSERT_TRUE(signalled.has_error());
    EXPECT_EQ(signalled.error().kind, TerminationError::Kind::kSignalFailed);
    EXPECT_EQ(signalled.error().code, std::errc::operation_not_permitted);

    ASSERT_EQ(::setresuid(0, 0, 0), 0);
    EXPECT_EQ(child.terminate(kBound, kBound).value().signal(), Signal::interrupt());
  });
}

// A control group of the freezer of version 1: processes in it get their signals when it is thawed.
class Freezer {
 public:
  // REQUIRES: a mount namespace of our own.
  Freezer() {
    char path[] = "/tmp/warden-freezer-XXXXXX";
    if (::mkdtemp(path) == nullptr) return;
    root_ = path;
    mounted_ = ::mount("freezer", path, "cgroup", 0, "freezer") == 0;
    group_ = root_ + "/warden-test-" + std::to_string(::getpid());
    made_ = mounted_ && ::mkdir(group_.c_str(), 0755) == 0;
  }
  ~Freezer() {
    if (made_) {
      set("THAWED");
      ::rmdir(group_.c_str());
    }
    if (mounted_) ::umount(root_.c_str());
    if (!root_.empty()) ::rmdir(root_.c_str());
  }
  Freezer(const Freezer&) = delete;
  Freezer& operator=(const Freezer&) = delete;

  bool works() const { return made_; }
  void add(int pid) { std::ofstream(group_ + "/cgroup.procs") << pid; }
  void set(const std::string& state) {
    std::ofstream(group_ + "/freezer.state") << state;
    for (std::string seen; seen != state; std::this_thread::yield()) {
      seen.clear();
      std::ifstream(group_ + "/freezer.state") >> seen;
      ASSERT_NE(seen, "");
    }
  }

 private:
  std::string root_, group_;
  bool mounted_ = false;
  bool made_ = false;
};

bool leave_mounts() {
  return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

class FrozenChild : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!can([] { return leave_mounts() && Freezer().works(); })) {
      GTEST_SKIP() << "no cgroup v1 freezer can be mounted and written (in a v2 one SIGKILL works)";
    }
  }
};

TEST_F(FrozenChild, EndsInAnErrorThatSaysWhereItSleepsAndCanBeEndedWhenItIsThawed) {
  run_isolated_unchecked([] {
    ASSERT_TRUE(leave_mounts());
    Freezer freezer;
    ASSERT_TRUE(freezer.works());
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"sleep"})).value();
    ASSERT_TRUE(ack.wait_for("ready"));
    freezer.add(child.pid());
    freezer.set("FROZEN");
    TerminationPolicy policy = TerminationPolicy::service(absl::Milliseconds(10));
    policy.kill_timeout = absl::Milliseconds(100);
    const auto failed = child.terminate(policy);
    ASSERT_TRUE(failed.has_error());
    const TerminationError& error = failed.error();
    EXPECT_EQ(error.code, Errc::kStillRunning);
    EXPECT_THAT(sent_signals(error.attempts), ElementsAre("SIGTERM group", "SIGKILL group"));
    ASSERT_THAT(error.stuck, SizeIs(1));
    EXPECT_EQ(error.stuck[0].pid, child.pid());
    EXPECT_EQ(error.stuck[0].program, "test_child");
    EXPECT_EQ(error.stuck[0].state, 'D');
    EXPECT_THAT(error.stuck[0].wait_channel, HasSubstr("refrigerator"));
    EXPECT_THAT(error.to_string(), HasSubstr("state D, in __refrigerator"));
    EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
    freezer.set("THAWED");
    EXPECT_EQ(child.terminate(kBound, kBound).value().signal(), Signal::kill());
  });
}

}  // namespace
}  // namespace warden::test_support
