// Starts a real server, waits for its log to say that it is ready, uses it, ends it, and checks that nothing of it is
// left.
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "warden/testing/child_fixture.h"
#include "warden/testing/matchers.h"
#include "warden/warden.h"

namespace {

// Longer than a busy machine needs.
constexpr absl::Duration kBound = absl::Minutes(1);
// Part of the line that the server writes when it is ready: "... is now ready", since Redis 8 "Ready ...".
constexpr char kReady[] = "eady to accept connections";

// Server and client meet at a Unix socket in this directory. Both run inside it, since the socket's full path may be
// longer than the kernel allows for such a socket.
std::string directory() { return std::getenv("TEST_TMPDIR"); }

warden::Command server() {
  warden::Command command("redis-server");
  command.args({"--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", "no"});
  command.cwd(directory());
  return command;
}

// Returns the server's answer, or what went wrong.
std::string ask(std::initializer_list<std::string_view> question) {
  warden::Command command("redis-cli");
  command.args({"-s", "socket"}).args(question).cwd(directory());
  warden::RunOptions options;
  options.timeout = kBound;
  const auto answer = warden::require_success(warden::run(command, options));
  if (!answer) return answer.error().to_string();
  return answer.value().stdout_output.text();
}

void expect_that_it_works() {
  EXPECT_EQ(ask({"SET", "key", "value with\nnewline"}), "OK\n");
  EXPECT_EQ(ask({"GET", "key"}), "value with\nnewline\n");
}

void expect_nothing_left(int pid) {
  EXPECT_EQ(::kill(-pid, 0), -1) << "its group has members";
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1) << "a child is left";
  EXPECT_EQ(errno, ECHILD);
}

// Uses the library alone.
TEST(Redis, IsReadyAnswersAndIsGone) {
  warden::Command command = server();
  command.stdout_to(warden::Stdio::capture()).stderr_to(warden::Stdio::merge());
  auto spawned = warden::Child::spawn(command);
  ASSERT_TRUE(spawned.has_value()) << spawned.error();
  warden::Child redis = std::move(spawned).value();

  const auto ready = redis.wait_for_line(warden::OutputStream::kStdout, kReady, kBound);
  ASSERT_TRUE(ready.has_value()) << ready.error();
  ASSERT_TRUE(ready.value().matched()) << redis.output(warden::OutputStream::kStdout).value().text();
  expect_that_it_works();

  const auto ended = redis.terminate_with_report(warden::TerminationPolicy::service(kBound));
  EXPECT_THAT(ended, warden::testing::ExitedWith(0));
  EXPECT_THAT(redis.attempt_log(),
              warden::testing::HasAttempt(warden::AttemptPhase::kTerminate, warden::AttemptOperation::kWaitForExit,
                                          warden::AttemptResult::kOk));
  ASSERT_TRUE(redis.drain_output().has_value());
  EXPECT_THAT(redis.output(warden::OutputStream::kStdout).value().text(), ::testing::HasSubstr("bye bye"));
  expect_nothing_left(redis.pid());
}

// Uses the fixture, which ends what a test has started.
class RedisTest : public warden::testing::ChildFixture {
 protected:
  void start() {
    warden::testing::SpawnOptions options;
    options.ready = warden::testing::Ready::on_line(kReady);
    options.ready_timeout = kBound;
    options.policy = warden::TerminationPolicy::service(kBound);
    const warden::testing::StartedChild child = spawn(server(), options);
    ASSERT_TRUE(child);
    pid_ = child->pid();
  }

  void TearDown() override {
    ASSERT_NE(pid_, 0);
    EXPECT_EQ(::kill(-pid_, 0), 0) << "it was not there until now";
    ChildFixture::TearDown();
    expect_nothing_left(pid_);
  }

 private:
  int pid_ = 0;
};

TEST_F(RedisTest, AnswersAndIsGoneAfterTheTest) {
  ASSERT_NO_FATAL_FAILURE(start());
  expect_that_it_works();
}

}  // namespace
