// Programs that end while a child lives: by exit(), which destroys static handles, and in ways that destroy nothing.
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/base/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/test_child_path.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using Mode = std::vector<std::string>;

// Runs exiting_host with a child in that mode.
class Host {
 public:
  Host(const std::string& keep, const std::string& end, const Mode& mode) {
    Command command(runfile_path("test/support/exiting_host"));
    command.args({keep, end, test_child_path(), ack_.flag()}).args(mode);
    command.inherit_fd(ack_.write_fd()).stdin_from(Stdio::pipe()).stderr_to(Stdio::fd(errors_.write_fd()));
    host_ = std::make_unique<Child>(Child::spawn(command).value());
    ack_.close_write();
    errors_.close_write();
  }
  ~Host() {  // ends the orphan that a failed test leaves
    if (kept_ != nullptr && !kept_->is_dead()) kept_->send(SIGKILL);
    if (kept_ != nullptr) kept_->wait_dead();
    host_->kill().value();
  }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  // Waits until the child has written these lines; returns its pid.
  int wait_ready(const std::vector<std::string>& lines) {
    const int pid = wait_forked(ack_, lines);
    kept_ = std::make_unique<Pidfd>(pid);
    return pid;
  }

  // Lets the threads of an "in-use" host begin.
  void use() { EXPECT_EQ(::write(host_->stdin_fd(), "x", 1), 1); }

  // Lets the host end; false when it has not exited with 0 within a minute.
  bool ends() {
    host_->close_stdin();
    const auto status = host_->wait_for(kBound).value();
    EXPECT_TRUE(status.has_value()) << "it hangs";
    EXPECT_EQ(status.value_or(ExitStatus::lost()).to_string(), "exited with code 0");
    return status.has_value() && status->success();
  }

  AckPipe& ack() { return ack_; }
  const Pidfd& kept() const { return *kept_; }
  // The first line of the host's stderr; empty when there is none.
  std::string message() { return errors_.wait_line(); }

  // The child has outlived the program unharmed; SIGUSR1 ends it now.
  void expect_kept_lives() {
    ASSERT_FALSE(kept_->is_dead());
    ASSERT_TRUE(kept_->send(SIGUSR1));
    EXPECT_EQ(ack_.wait_line(), "got SIGUSR1") << "and nothing before";
    EXPECT_TRUE(kept_->wait_dead());
  }

 private:
  AckPipe ack_, errors_;
  std::unique_ptr<Child> host_;
  std::unique_ptr<Pidfd> kept_;
};

const Mode kEndsAtUsr1 = {"handle", "USR1", "0"};

class ExitThatDestroysStatics : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Ends, ExitThatDestroysStatics, ::testing::Values("return", "exit", "thread-exit"),
                         [](const auto& end) {
                           return end.param == std::string("thread-exit") ? "ThreadExit" : std::string(end.param);
                         });

TEST_P(ExitThatDestroysStatics, EndsTheGroupOfAnArmedStaticChildAndSaysSo) {
  Host host("static", GetParam(), {"fork", "stubborn", "--", "stubborn"});
  // Two lines say "forked": the host's has the leader's pid, the leader's has its child's.
  std::vector<int> forked;
  int ready = 0;
  while (forked.size() < 2 || ready < 2) {
    const std::string line = host.ack().wait_line();
    ASSERT_NE(line, "(timeout)");
    if (line.rfind("forked ", 0) == 0) forked.push_back(std::stoi(line.substr(7)));
    if (line == "ready" || line == "child ready") ++ready;
  }
  const Pidfd first(forked[0]), second(forked[1]);
  EXPECT_TRUE(host.ends());
  EXPECT_TRUE(first.is_dead());
  EXPECT_TRUE(second.is_dead());
  EXPECT_THAT(host.message(), HasSubstr("warden: child 'kept' (pid "));
  EXPECT_TRUE(host.ack().wait_eof());
}

TEST_P(ExitThatDestroysStatics, LeavesAnExcusedStaticChildRunning) {
  Host host("detached", GetParam(), kEndsAtUsr1);
  host.wait_ready({"ready"});
  EXPECT_TRUE(host.ends());
  EXPECT_EQ(host.message(), "");
  host.expect_kept_lives();
}

TEST(Exit, CarriesThePolicyOfAStaticChildOut) {
  Host host("policy", "exit", {"handle", "TERM", "0"});
  host.wait_ready({"ready"});
  EXPECT_TRUE(host.ends());
  EXPECT_TRUE(host.kept().is_dead());
  EXPECT_EQ(host.ack().wait_line(), "got SIGTERM");
  EXPECT_EQ(host.message(), "");
}

TEST(Exit, HasNothingToSayOfAStaticChildThatWasWaitedFor) {
  Host host("waited", "exit", {"exit", "0"});
  host.wait_ready({});
  EXPECT_TRUE(host.ends());
  EXPECT_EQ(host.message(), "");
}

TEST(Exit, IsBoundedWhereAStaticChildCannotBeEnded) {
  Host host("static", "exit", {"sleep"});
  AckPipe ack;
  Child tracer = Child::spawn(test_command(ack, {"trace", std::to_string(host.wait_ready({"ready"}))})).value();
  ASSERT_EQ(ack.wait_line(), "tracing");
  EXPECT_TRUE(host.ends()) << "the tracer keeps the zombie, and the reaper waits for it";
  EXPECT_THAT(host.message(), AllOf(HasSubstr("child 'kept'"), HasSubstr("SIGKILL to group: ok")));
  EXPECT_TRUE(tracer.kill().has_value());
}

TEST(Exit, OfAForkedCopyLeavesTheStaticChildOfItsParentAlone) {
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
  GTEST_SKIP() << "the leak checker takes what the threads of the parent own for leaks of the copy";
#endif
  Host host("copied", "exit", kEndsAtUsr1);
  host.wait_ready({"ready"});
  EXPECT_TRUE(host.ends());
  EXPECT_EQ(host.message(), "");
  host.expect_kept_lives();
}

class ExitThatDestroysNothing : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Ends, ExitThatDestroysNothing, ::testing::Values("quick_exit", "_exit"), [](const auto& end) {
  return end.param == std::string("_exit") ? "UnderscoreExit" : "QuickExit";
});

TEST_P(ExitThatDestroysNothing, LeavesAnArmedStaticChildRunning) {
  Host host("static", GetParam(), kEndsAtUsr1);
  host.wait_ready({"ready"});
  EXPECT_TRUE(host.ends());
  EXPECT_EQ(host.message(), "");
  host.expect_kept_lives();
}

class AnyExit : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Ends, AnyExit, ::testing::Values("return", "exit", "quick_exit", "_exit", "thread-exit"),
                         [](const auto& end) { return std::to_string(end.index); });

TEST_P(AnyExit, LeavesAChildWhoseHandleIsNeverDestroyedRunning) {
  Host host("leaked", GetParam(), kEndsAtUsr1);
  host.wait_ready({"ready"});
  EXPECT_TRUE(host.ends());
  EXPECT_EQ(host.message(), "");
  host.expect_kept_lives();
}

TEST_P(AnyExit, IsNotHeldUpByThreadsInWaitAndTerminate) {
  Host host("in-use", GetParam(), {"mark", "TERM"});
  host.wait_ready({"ready"});
  host.use();
  ASSERT_TRUE(host.ack().wait_for("got SIGTERM"));
  EXPECT_TRUE(host.ends());
  EXPECT_EQ(host.message(), "");
  EXPECT_FALSE(host.kept().is_dead());
}

}  // namespace
}  // namespace warden::test_support
