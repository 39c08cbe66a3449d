// Real programs that leave their process group: contained as a tree they end with their child.
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "warden/warden.h"

namespace {

namespace fs = std::filesystem;

// Longer than a busy machine needs.
constexpr absl::Duration kBound = absl::Minutes(1);

bool lives(int pid) { return ::kill(pid, 0) == 0; }

void expect_gone(int pid) {
  EXPECT_EQ(::kill(pid, 0), -1) << pid << " is left";
  EXPECT_EQ(errno, ESRCH);
}

// Starts a program that tells the number of a process of its own in a line that begins like this, and ends the tree.
void expect_that_it_ends(warden::Command command, const std::string& prefix) {
  command.stdout_to(warden::Stdio::capture()).containment(warden::Containment::kTree);
  auto spawned = warden::Child::spawn(command);
  ASSERT_TRUE(spawned.has_value()) << spawned.error();
  warden::Child child = std::move(spawned).value();
  const auto told = child.wait_for_line(warden::OutputStream::kStdout, prefix, kBound);
  ASSERT_TRUE(told.has_value() && told.value().matched());
  const std::string line = told.value().line;
  const int pid = std::atoi(line.c_str() + line.find(prefix) + prefix.size());
  ASSERT_GT(pid, 1) << line;
  EXPECT_TRUE(lives(pid));
  const auto ended = child.terminate_with_report(warden::TerminationPolicy::service(kBound));
  EXPECT_TRUE(ended.has_value()) << ended.error();
  expect_gone(pid);
}

warden::Command script(const std::string& text) {
  warden::Command command("bash");
  command.args({"-c", text});
  return command;
}

TEST(Shell, JobOfAnInteractiveOneEnds) {
  expect_that_it_ends(script("set -m; sleep 1000 & echo pid $!; wait"), "pid ");
}

TEST(Shell, JobBelowNohupEnds) { expect_that_it_ends(script("nohup sleep 1000 2>/dev/null & echo pid $!"), "pid "); }

TEST(Setsid, ProgramThatItHasForkedEnds) {
  expect_that_it_ends(script("setsid -f bash -c 'echo pid $$; exec sleep 1000'"), "pid ");
}

TEST(Timeout, ProgramBelowTwoEnds) {
  expect_that_it_ends(script("timeout 1000 timeout 1000 bash -c 'echo pid $$; exec sleep 1000'"), "pid ");
}

TEST(SshAgent, EndsThoughItIsADaemon) {
  warden::Command command("ssh-agent");
  command.arg("-s");
  expect_that_it_ends(command, "SSH_AGENT_PID=");
}

// A directory that every user can enter, and that belongs to this one.
class Directory {
 public:
  explicit Directory(const passwd* owner = nullptr) {
    std::string name = "/tmp/warden-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    const bool is_theirs = owner == nullptr || ::chown(name.c_str(), owner->pw_uid, owner->pw_gid) == 0;
    EXPECT_TRUE(is_theirs);
  }
  ~Directory() { fs::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

int number_in(const std::string& file) {
  int number = 0;
  std::ifstream(file) >> number;
  return number;
}

TEST(Redis, ThatHasDaemonizedEnds) {
  const Directory directory;
  const std::string pidfile = directory.path() + "/pid";
  warden::Command command("redis-server");
  command.args({"--port", "0", "--unixsocket", directory.path() + "/socket", "--save", "", "--dir", directory.path(),
                "--daemonize", "yes", "--pidfile", pidfile});
  command.stdout_to(warden::Stdio::null()).containment(warden::Containment::kTree);
  warden::Child child = warden::Child::spawn(command).value();
  EXPECT_TRUE(child.wait().value().success());
  int pid = 0;
  const auto give_up = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kBound);
  while (pid == 0 && std::chrono::steady_clock::now() < give_up) pid = number_in(pidfile);
  ASSERT_GT(pid, 1);
  EXPECT_TRUE(lives(pid));
  const auto ended = child.terminate_with_report(warden::TerminationPolicy::service(kBound));
  ASSERT_TRUE(ended.has_value()) << ended.error();
  EXPECT_FALSE(ended.value().forced) << "it was asked to end, and did";
  expect_gone(pid);
}

// Does not run as root.
TEST(Postgres, ThatPgCtlHasStartedEnds) {
  const passwd* const user = ::geteuid() == 0 ? ::getpwnam("postgres") : ::getpwuid(::geteuid());
  ASSERT_NE(user, nullptr);
  std::string programs;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql"))
    programs = version.path().string() + "/bin/";
  const Directory directory(user);
  warden::Credentials credentials;
  credentials.uid = user->pw_uid;
  credentials.gid = user->pw_gid;
  const auto as_user = [&](const std::string& program) {
    warden::Command command(programs + program);
    command.cwd(directory.path()).env("LC_ALL", "C");
    if (::geteuid() == 0) command.credentials(credentials);
    return command;
  };
  const auto made = warden::require_success(
      warden::run(as_user("initdb").args({"-D", directory.path() + "/data", "-A", "trust", "--no-sync"}), {}));
  ASSERT_TRUE(made.has_value()) << made.error();
  warden::Command start = as_user("pg_ctl");
  start.args({"start", "--wait", "-D", directory.path() + "/data", "-l", directory.path() + "/log", "-o",
              "-c listen_addresses='' -k " + directory.path()});
  start.stdout_to(warden::Stdio::null()).containment(warden::Containment::kTree);
  warden::Child child = warden::Child::spawn(start).value();
  ASSERT_TRUE(child.wait().value().success());
  const int pid = number_in(directory.path() + "/data/postmaster.pid");
  ASSERT_GT(pid, 1);
  EXPECT_TRUE(lives(pid));
  const auto ended = child.terminate_with_report(warden::TerminationPolicy::service(kBound));
  ASSERT_TRUE(ended.has_value()) << ended.error();
  EXPECT_FALSE(ended.value().forced) << "it was asked to end, and did";
  expect_gone(pid);
}

}  // namespace
