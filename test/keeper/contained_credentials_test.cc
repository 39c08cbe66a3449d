// A tree whose members are other users than the host.
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/other_user.h"
#include "test/support/test_child_path.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;

constexpr unsigned kUser = 54'331;
constexpr unsigned kOtherUser = 54'332;

// A copy of test_child that every user can execute, with these bits.
class OpenProgram {
 public:
  explicit OpenProgram(mode_t mode) {
    std::string name = "/tmp/warden-XXXXXX";  // not below the test's directory, which may be root's alone
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    std::filesystem::copy_file(test_child_path(), path());
    EXPECT_EQ(::chmod(path().c_str(), mode), 0);
    EXPECT_EQ(::chmod(name.c_str(), 0755), 0);
  }
  ~OpenProgram() { std::filesystem::remove_all(directory_); }
  OpenProgram(const OpenProgram&) = delete;
  OpenProgram& operator=(const OpenProgram&) = delete;

  std::string path() const { return directory_ + "/program"; }

 private:
  std::string directory_;
};

TEST(ContainedUser, IsEndedByAHostThatIsRoot) {
  const std::string reason = why_no_other_user();
  if (!reason.empty()) GTEST_SKIP() << reason;
  AckPipe ack;
  Credentials credentials;
  credentials.uid = kUser;
  credentials.gid = kUser;
  const OpenProgram program(0755);
  Command command(program.path());
  command.args({ack.flag(), "fork", "new-session", "stubborn", "--", "stubborn"}).inherit_fd(ack.write_fd());
  Child child = Child::spawn(command.credentials(credentials).containment(Containment::kTree)).value();
  ack.close_write();
  ASSERT_GT(wait_forked(ack, {"ready", "child ready"}), 0);
  child.kill().value();
  EXPECT_TRUE(ack.wait_eof());
}

TEST(ContainedUser, WhoseProgramCannotBeExecutedLeavesNothing) {
  const std::string reason = why_no_other_user();
  if (!reason.empty()) GTEST_SKIP() << reason;
  Credentials credentials;
  credentials.uid = kUser;
  auto spawned = Child::spawn(Command("/no/such/program").credentials(credentials).containment(Containment::kTree));
  ASSERT_FALSE(spawned.has_value());
  EXPECT_EQ(spawned.error().step, SpawnError::Step::kExec) << spawned.error();
}

// A set-user-ID program that has become root, and then another user, below a host that may not signal it.
void end_member_of_other_user(const std::string& program, AckPipe& ack, int told) {
  ASSERT_TRUE(become_other_user(kUser));
  Command command("sh");
  command.args(
      {"-c", "setsid \"$@\" & exec sleep 1000", "sh", program, ack.flag(), "user", std::to_string(kOtherUser)});
  command.inherit_fd(ack.write_fd()).containment(Containment::kTree);
  Child child = Child::spawn(command).value();
  ack.close_write();
  ASSERT_TRUE(ack.wait_for("ready"));
  TerminationPolicy policy = TerminationPolicy::service(absl::Milliseconds(50));
  policy.kill_timeout = absl::Milliseconds(200);
  const auto ended = child.terminate_with_report(policy);
  ASSERT_FALSE(ended.has_value());
  const TerminationError& error = ended.error();
  EXPECT_EQ(error.code, std::errc::operation_not_permitted) << error;
  ASSERT_EQ(error.survivors.size(), 1u) << error;
  const int member = error.survivors[0].pid;
  EXPECT_THAT(error.to_string(), HasSubstr("of user " + std::to_string(kOtherUser)));
  EXPECT_THAT(error.attempts.to_string(), HasSubstr(std::to_string(member) + ": Operation not permitted"));
  EXPECT_EQ(::write(told, &member, sizeof member), static_cast<ssize_t>(sizeof member));
  child.detach_on_destruction();
}

TEST(ContainedUser, WhomTheHostMayNotSignalIsAnErrorThatNamesIt) {
  const std::string reason = why_no_other_user();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const OpenProgram program(04755);
  AckPipe ack;
  int told[2];
  ASSERT_EQ(::pipe2(told, O_CLOEXEC), 0);
  // Not isolated, which would be without set-user-ID programs.
  const pid_t host = ::fork();
  if (host == 0) {
    end_member_of_other_user(program.path(), ack, told[1]);
    ::fflush(nullptr);
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  ack.close_write();
  ::close(told[1]);
  int status = 0, member = 0;
  ASSERT_EQ(::waitpid(host, &status, 0), host);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "it failed in the other user's process";
  if (::read(told[0], &member, sizeof member) == static_cast<ssize_t>(sizeof member)) {
    EXPECT_TRUE(Pidfd(member).send(SIGKILL));
  }
  ::close(told[0]);
  EXPECT_TRUE(ack.wait_eof());
}

}  // namespace
}  // namespace warden::test_support
