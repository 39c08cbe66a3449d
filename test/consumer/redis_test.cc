// A real server: started, ready when its log says so, used, ended, and nothing of it is left.
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "warden/warden.h"

namespace {

// So long that a busy machine does not reach it.
constexpr absl::Duration kBound = absl::Minutes(1);

// Server and client meet at a Unix socket in this directory. A path of it may be longer than such a socket's can be, so
// both run in there.
std::string directory() { return std::getenv("TEST_TMPDIR"); }

warden::Command server() {
  warden::Command command("redis-server");
  command.args({"--port", "0", "--unixsocket", "socket", "--save", "", "--appendonly", "no"});
  command.cwd(directory());
  command.stdout_to(warden::Stdio::capture()).stderr_to(warden::Stdio::merge());
  return command;
}

// What the server answers, or what went wrong.
std::string ask(std::initializer_list<std::string_view> question) {
  warden::Command command("redis-cli");
  command.args({"-s", "socket"}).args(question).cwd(directory());
  warden::RunOptions options;
  options.timeout = kBound;
  const auto answer = warden::check(warden::run(command, options));
  if (!answer) return answer.error().to_string();
  return answer.value().stdout_output.text();
}

// Whether the group got SIGTERM, and that was enough.
bool asked_by_signal(const warden::AttemptLog& log) {
  bool sent = false;
  for (const warden::Attempt& attempt : log) {
    if (attempt.result != warden::AttemptResult::kOk || attempt.phase == warden::AttemptPhase::kKill) return false;
    sent = sent || (attempt.signal == warden::Signal::terminate() && attempt.target == warden::AttemptTarget::kGroup);
  }
  return sent;
}

TEST(Redis, IsReadyAnswersAndIsGone) {
  auto spawned = warden::Child::spawn(server());
  ASSERT_TRUE(spawned.has_value()) << spawned.error();
  warden::Child redis = std::move(spawned).value();

  const auto ready = redis.wait_for_line(warden::OutputStream::kStdout, "ready to accept connections", kBound);
  ASSERT_TRUE(ready.has_value()) << ready.error();
  ASSERT_TRUE(ready.value().matched()) << ready.value().kind << '\n'
                                       << redis.output(warden::OutputStream::kStdout).value().text();

  EXPECT_EQ(ask({"SET", "key", "value with\nnewline"}), "OK\n");
  EXPECT_EQ(ask({"GET", "key"}), "value with\nnewline\n");

  const auto ended = redis.terminate_with_report(warden::TerminationPolicy::service(kBound));
  ASSERT_TRUE(ended.has_value()) << ended.error();
  EXPECT_TRUE(ended.value().status.success()) << ended.value().status;
  EXPECT_TRUE(asked_by_signal(redis.attempt_log())) << redis.attempt_log();
  ASSERT_TRUE(redis.drain_output().has_value());
  EXPECT_NE(redis.output(warden::OutputStream::kStdout).value().text().find("bye bye"), std::string::npos);

  EXPECT_EQ(::kill(-redis.pid(), 0), -1) << "the group has members";
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
