// A test program with tests that pass, fail, crash and exit in every way. inner_run_test.cc runs it, and checks its
// output and what it leaves. Its children append their pids to the file $INNER_PIDS.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "gtest/gtest.h"
#include "warden/testing/child_fixture.h"
#include "warden/testing/scoped_child.h"

namespace {

using warden::testing::ChildFixture;
using warden::testing::Ready;
using warden::testing::ScopedChild;
using warden::testing::SpawnOptions;

// A server of one process, or with a worker in its group. `then` is what the script does once it listens.
warden::Command server(const std::string& then, const std::string& worker = "") {
  warden::Command command("/bin/sh");
  command.args({"-c", worker + "echo $$ >> $INNER_PIDS; echo log of $NAME >&2; echo listening; " + then});
  return command;
}

warden::Command server() { return server("exec sleep 600"); }

warden::Command server_with_worker() { return server("wait; exec sleep 600", "sleep 600 & echo $! >> $INNER_PIDS; "); }

SpawnOptions named(const std::string& name) {
  SpawnOptions options;
  options.name = name;
  options.ready = Ready::on_line("listening");
  return options;
}

// Waits for the end, and leaves it to the fixture to see it. There is nothing to wait for once it has been collected.
void let_end(const warden::Child& child) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0));
  if (pidfd < 0) return;
  pollfd polled = {pidfd, POLLIN, 0};
  while (::poll(&polled, 1, -1) < 0 && errno == EINTR) continue;
  ::close(pidfd);
}

class Inner : public ChildFixture {
 protected:
  warden::testing::StartedChild start(warden::Command command, const std::string& name) {
    return spawn(command.env("NAME", name), named(name));
  }
};

TEST_F(Inner, Passes) {
  ASSERT_NE(start(server_with_worker(), "first"), nullptr);
  ASSERT_NE(start(server(), "second"), nullptr);
}

TEST_F(Inner, FailsInItsBody) {
  ASSERT_NE(start(server_with_worker(), "first"), nullptr);
  ASSERT_NE(start(server(), "path/to second"), nullptr);
  FAIL() << "on purpose";
}

TEST_F(Inner, HasAChildThatCrashes) {
  warden::Child* const child = start(server("kill -SEGV $$"), "crasher");
  ASSERT_NE(child, nullptr);
  let_end(*child);
}

// The child writes what a test's own lines, a terminal and a log of GitHub would take for commands; the end is no
// UTF-8.
TEST_F(Inner, HasAChildThatForges) {
  warden::Child* const child = start(
      server("printf '\\033[2K\\r[  PASSED  ] 1 test.\\n::error::forged\\ncaf\\303\\251 \\302\\233 \\377\\n'; exit 3"),
      "for\nger\x1b[2J");
  ASSERT_NE(child, nullptr);
  let_end(*child);
}

TEST_F(Inner, HasAChildThatIsNotReady) {
  SpawnOptions options = named("unready");
  options.ready = Ready::on_line("never");
  ASSERT_NE(spawn(server("exit 3").env("NAME", "unready"), options), nullptr);
  ADD_FAILURE() << "the body goes on";
}

TEST_F(Inner, IsSkipped) {
  ASSERT_NE(start(server(), "skipped"), nullptr);
  GTEST_SKIP() << "on purpose";
}

TEST_F(Inner, Throws) {
  ASSERT_NE(start(server_with_worker(), "thrown"), nullptr);
  throw std::runtime_error("on purpose");
}

class FailingSetUp : public Inner {
 protected:
  void SetUp() override {
    ASSERT_NE(start(server_with_worker(), "set-up"), nullptr);
    FAIL() << "on purpose";
  }
};

TEST_F(FailingSetUp, HasNoBody) { ADD_FAILURE() << "the body runs"; }

class FailingConstructor : public Inner {
 protected:
  FailingConstructor() { start_and_fail(); }

 private:
  void start_and_fail() {
    ASSERT_NE(start(server_with_worker(), "constructor"), nullptr);
    FAIL() << "on purpose";
  }
};

TEST_F(FailingConstructor, HasNoBody) { ADD_FAILURE() << "the body runs"; }

class ForgottenTearDown : public Inner {
 protected:
  void TearDown() override {}
};

TEST_F(ForgottenTearDown, Passes) { ASSERT_NE(start(server_with_worker(), "forgotten"), nullptr); }

TEST(InnerScoped, FailsBeforeTheScopeEnds) {
  const ScopedChild child(server_with_worker().env("NAME", "scoped"), named("scoped"));
  ASSERT_TRUE(child.ok());
  FAIL() << "on purpose";
}

TEST(InnerScoped, HasAChildThatEnds) {
  const ScopedChild child(server("exit 3").env("NAME", "ending"), named("ending"));
  ASSERT_TRUE(child.ok());
  let_end(*child);
}

// The child lives from before the first test until after the last.
class InnerSuiteWide : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { child_ = new ScopedChild(server().env("NAME", "suite's own"), named("suite's own")); }
  static void TearDownTestSuite() { delete child_; }

 private:
  static ScopedChild* child_;
};

ScopedChild* InnerSuiteWide::child_ = nullptr;

TEST_F(InnerSuiteWide, Fails) { FAIL() << "on purpose"; }
TEST_F(InnerSuiteWide, Passes) {}

class InnerParameters : public Inner, public ::testing::WithParamInterface<const char*> {};

TEST_P(InnerParameters, Fails) {
  ASSERT_NE(start(server(), GetParam()), nullptr);
  FAIL() << "on purpose";
}

INSTANTIATE_TEST_SUITE_P(Some, InnerParameters, ::testing::Values("one", "other"));

// The child lives before and after the death of the dying process, to which it does not belong.
class InnerDeathTest : public Inner {
 protected:
  void die(const char* style) {
    GTEST_FLAG_SET(death_test_style, style);
    warden::Child* const child = start(server_with_worker(), style);
    ASSERT_NE(child, nullptr);
    EXPECT_DEATH(abort(), "");
    EXPECT_EXIT(exit(3), ::testing::ExitedWithCode(3), "");
    EXPECT_EQ(child->state().kind, warden::ProcessState::Kind::kRunning);
  }
};

// The dying process has a child of its own besides its copy of the parent's.
TEST_F(InnerDeathTest, WithAChildOfItsOwn) {
  GTEST_FLAG_SET(death_test_style, "fast");
  warden::Child* const child = start(server(), "ours");
  ASSERT_NE(child, nullptr);
  EXPECT_EXIT(exit(start(server_with_worker(), "its own") == nullptr ? 1 : 4), ::testing::ExitedWithCode(4), "");
  EXPECT_EXIT(
      {
        start(server_with_worker(), "its own");
        ChildFixture::TearDown();
        exit(5);
      },
      ::testing::ExitedWithCode(5), "");
  EXPECT_EQ(child->state().kind, warden::ProcessState::Kind::kRunning);
}

TEST_F(InnerDeathTest, Fast) { die("fast"); }
TEST_F(InnerDeathTest, Threadsafe) { die("threadsafe"); }

TEST_F(Inner, Aborts) {
  ASSERT_NE(start(server_with_worker(), "aborted"), nullptr);
  abort();
}

// Bazel's timeout does this.
TEST_F(Inner, IsKilled) {
  ASSERT_NE(start(server_with_worker(), "killed"), nullptr);
  raise(SIGKILL);
}

TEST_F(Inner, GetsSigterm) {
  ASSERT_NE(start(server_with_worker(), "terminated"), nullptr);
  raise(SIGTERM);
}

TEST_F(Inner, Exits) {
  ASSERT_NE(start(server_with_worker(), "exited"), nullptr);
  exit(0);
}

}  // namespace
