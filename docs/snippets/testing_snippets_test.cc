// The code of docs/testing.md, compiled and run. every_code_block_test.cc checks that it is the same.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "warden/testing/child_fixture.h"
#include "warden/testing/matchers.h"
#include "warden/testing/scoped_child.h"
#include "warden/warden.h"

namespace {

class ServerTest : public warden::testing::ChildFixture {
 protected:
  warden::testing::StartedChild start_server() {
    warden::Command command("sh");
    command.args({"-c", "echo starting; echo listening on port 5555; exec sleep 600"});
    warden::testing::SpawnOptions options;
    options.name = "server";
    options.ready = warden::testing::Ready::on_line("listening");
    return spawn(command, options);
  }
};

TEST_F(ServerTest, StopsPolitely) {
  const warden::testing::StartedChild server = start_server();
  ASSERT_TRUE(server);
  EXPECT_THAT(server->terminate_with_report(warden::TerminationPolicy::service(absl::Seconds(5))),
              warden::testing::EndedInPhase(warden::AttemptPhase::kTerminate));
}

int times_asked = 0;
bool can_connect(int) { return ++times_asked == 3; }

warden::Command server_command() {
  warden::Command command("sleep");
  return command.arg("600");
}

TEST(Client, Connects) {
  warden::testing::SpawnOptions options;
  options.ready = warden::testing::Ready::when([] { return can_connect(5555); });
  const warden::testing::ScopedChild server(server_command(), options);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(server->state().kind, warden::ProcessState::Kind::kRunning);
}

TEST(Testing, Matchers) {
  warden::Command exiting("sh");
  exiting.args({"-c", "exit 3"});
  warden::Child child = warden::Child::spawn(exiting).value();
  warden::Command ignoring("sh");
  ignoring.args({"-c", "trap '' TERM; echo ready; exec sleep 600"}).stdout_to(warden::Stdio::capture());
  warden::Child stubborn = warden::Child::spawn(ignoring).value();
  ASSERT_TRUE(stubborn.wait_for_line(warden::OutputStream::kStdout, "ready", absl::Seconds(60)).value().matched());
  const warden::TerminationPolicy policy = warden::TerminationPolicy::service(absl::Milliseconds(10));

  EXPECT_THAT(child.wait(), warden::testing::ExitedWith(3));
  EXPECT_THAT(child.wait(), warden::testing::ExitedWith(::testing::Gt(0)));
  EXPECT_THAT(child.wait(), ::testing::Not(warden::testing::KilledBy(warden::Signal::abort())));
  EXPECT_THAT(stubborn.terminate_with_report(policy),
              warden::testing::HasAttempt(warden::AttemptPhase::kTerminate, warden::AttemptOperation::kWaitForExit,
                                          warden::AttemptResult::kTimedOut));
}

}  // namespace
