// Another user and other groups, and what an unprivileged process may not do. Runs outside the sandbox of Bazel, which
// maps one user only. Without the privilege to change users, the tests expect the refusals.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

constexpr unsigned kUser = 54'321;
constexpr unsigned kGroup = 54'322;
constexpr unsigned kFirstUser = 10'000'000;

bool become_unprivileged(unsigned user) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(kGroup, kGroup, kGroup) == 0 && ::setresuid(user, user, user) == 0;
}

bool can_change_user() {
  static const bool can = [] {
    const pid_t probe = ::fork();
    if (probe == 0) ::_exit(become_unprivileged(kUser) ? 0 : 1);
    int status = 0;
    ::waitpid(probe, &status, 0);
    return status == 0;
  }();
  return can;
}

// Runs the body in an unprivileged process, even if this process is root.
void run_unprivileged(const std::function<void()>& body) {
  run_isolated_unchecked([&body] {
    if (can_change_user()) {
      // A user of this run's own: the limit on processes would count the processes of all runs of this test.
      ASSERT_TRUE(become_unprivileged(kFirstUser + static_cast<unsigned>(::getpid())));
    }
    ::prctl(PR_SET_DUMPABLE, 1);  // so that it can read its own /proc
    body();
  });
}

// test_child where another user can reach it.
class SpawnCredentials : public ::testing::Test {
 protected:
  SpawnCredentials() {
    std::string name = "/tmp/warden-credentials-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
    EXPECT_EQ(::chmod(name.c_str(), 0755), 0);
    program_ = name + "/test_child";
    EXPECT_EQ(::system(("cp " + test_child_path() + " " + program_ + " && chmod 755 " + program_).c_str()), 0);
  }
  ~SpawnCredentials() override {
    ::unlink(program_.c_str());
    ::rmdir(directory_.c_str());
  }
  Command reporter() const { return Command(program_); }
  Command exiting(int code) const { return Command(program_).args({"exit", std::to_string(code)}); }

  std::string directory_;
  std::string program_;
};

TEST_F(SpawnCredentials, UserGroupAndSupplementaryGroupsAreTheChilds) {
  Credentials credentials{kUser, kGroup, std::vector<std::uint32_t>{kGroup, 7, 70'000}};
  if (!can_change_user()) {
    EXPECT_EQ(error_of(reporter().credentials(credentials)).step, SpawnError::Step::kSetGroups);
    return;
  }
  const Report report = report_of(reporter().credentials(credentials));
  EXPECT_EQ(report.at("uid"), "54321 54321 54321");
  EXPECT_EQ(report.at("gid"), "54322 54322 54322");
  EXPECT_EQ(report.at("groups"), "7 54322 70000");
  EXPECT_EQ(report.at("SigBlk"), "0000000000000000");
  EXPECT_EQ(report.at("pgrp"), report.at("pid"));
  EXPECT_EQ(open_descriptors(report), "0 1 2");
}

TEST_F(SpawnCredentials, AChangeOfUserOrGroupDropsTheGroupsOfRoot) {
  if (!can_change_user()) {
    EXPECT_EQ(error_of(reporter().credentials({kUser, {}, {}})).code, std::errc::operation_not_permitted);
    return;
  }
  run_isolated_unchecked([this] {
    const gid_t roots[] = {1, 2, 3};
    ASSERT_EQ(::setgroups(3, roots), 0);
    EXPECT_EQ(report_of(reporter()).at("groups"), "1 2 3");
    const Report user = report_of(reporter().credentials({kUser, {}, {}}));
    EXPECT_EQ(user.at("groups"), "");
    EXPECT_EQ(user.at("uid"), "54321 54321 54321");
    EXPECT_EQ(user.at("gid"), "0 0 0");
    const Report group = report_of(reporter().credentials({{}, kGroup, {}}));
    EXPECT_EQ(group.at("groups"), "");
    EXPECT_EQ(group.at("uid"), "0 0 0");
    EXPECT_EQ(group.at("gid"), "54322 54322 54322");
    EXPECT_EQ(report_of(reporter().credentials({{}, {}, std::vector<std::uint32_t>{5}})).at("groups"), "5");
  });
}

TEST_F(SpawnCredentials, TheHostsDumpableFlagStaysWhateverTheChildBecomes) {
  ASSERT_EQ(::prctl(PR_GET_DUMPABLE), 1);
  const Credentials credentials{kUser, kGroup, {}};
  Result<Child, SpawnError> child = Child::spawn(exiting(3).credentials(credentials));
  ASSERT_EQ(child.has_value(), can_change_user());
  if (child.has_value()) {
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(3));
  }
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
  EXPECT_FALSE(Child::spawn(Command("/no/such/program").credentials(credentials)).has_value());
  EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
}

bool can_be_more_urgent() {
  const pid_t probe = ::fork();
  if (probe == 0) ::_exit(::setpriority(PRIO_PROCESS, 0, -5) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(probe, &status, 0);
  return status == 0;
}

// The child sets its nice value before it gives up the privilege for that, and the parent-death signal afterwards,
// since setuid clears it.
TEST_F(SpawnCredentials, LimitsNiceAndTheParentDeathSignalHoldForAnotherUser) {
  if (!can_change_user()) {
    EXPECT_EQ(error_of(reporter().nice(-5)).step, SpawnError::Step::kSetNice);
    return;
  }
  const int nice = can_be_more_urgent() ? -5 : 5;
  Command command = reporter();
  command.credentials({kUser, kGroup, {}}).nice(nice).limit({RLIMIT_CORE, 0, 0}).die_with_parent(true);
  const Report report = report_of(command);
  EXPECT_EQ(report.at("nice"), std::to_string(nice));
  EXPECT_EQ(report.at("limit." + std::to_string(RLIMIT_CORE)), "0 0");
  EXPECT_EQ(report.at("pdeathsig"), "9");
  EXPECT_EQ(report.at("uid"), "54321 54321 54321");
}

TEST_F(SpawnCredentials, ADirectoryThatTheUserMayNotEnterIsNamed) {
  if (!can_change_user()) {
    EXPECT_EQ(error_of(reporter().credentials({kUser, {}, {}})).step, SpawnError::Step::kSetGroups);
    return;
  }
  const std::string closed = directory_ + "/closed";
  ASSERT_EQ(::mkdir(closed.c_str(), 0700), 0);
  const SpawnError error = error_of(reporter().credentials({kUser, kGroup, {}}).cwd(closed));
  EXPECT_EQ(error.step, SpawnError::Step::kChangeDirectory);
  EXPECT_EQ(error.code, std::errc::permission_denied);
  EXPECT_EQ(error.subject, closed);
  ::rmdir(closed.c_str());
}

TEST_F(SpawnCredentials, AnotherUsersChildCanBeTerminatedByRoot) {
  if (!can_change_user()) return;  // the tests above expect the refusals
  Result<Child, SpawnError> child = Child::spawn(reporter().arg("sleep").credentials({kUser, kGroup, {}}));
  ASSERT_TRUE(child.has_value()) << child.error();
  EXPECT_EQ(child.value().terminate(TerminationPolicy::service(absl::Seconds(60))).value(),
            ExitStatus::signaled(Signal::terminate(), false));
}

TEST_F(SpawnCredentials, WithoutPrivilegeEachRefusalNamesItsStep) {
  run_unprivileged([this] {
    const auto expect = [](const Command& command, SpawnError::Step step, int error) {
      const SpawnError found = error_of(command);
      EXPECT_EQ(found.step, step) << found;
      EXPECT_EQ(found.code, std::error_code(error, std::generic_category())) << found;
    };
    expect(exiting(0).credentials({0u, {}, {}}), SpawnError::Step::kSetGroups, EPERM);
    expect(exiting(0).credentials({{}, {}, std::vector<std::uint32_t>{}}), SpawnError::Step::kSetGroups, EPERM);
    expect(exiting(0).nice(-20), SpawnError::Step::kSetNice, EACCES);
    const struct rlimit low = {0, 0};
    ASSERT_EQ(::setrlimit(RLIMIT_CORE, &low), 0);
    expect(exiting(0).limit({RLIMIT_CORE, 0, 1}), SpawnError::Step::kSetLimit, EPERM);
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
  });
}

// A sanitizer may have a thread of its own.
rlim_t own_threads() {
  rlim_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) count += entry.exists() ? 1 : 0;
  return count;
}

// There is room for no other thread, and then for the reaper but no child.
TEST_F(SpawnCredentials, AFullProcessTableIsSaidByTheStepThatItStops) {
  if (!can_change_user())
    return;  // the limits would count the processes of a real user; spawn_failure_test forces both
  for (const rlim_t more : {0u, 1u}) {
    run_unprivileged([this, more] {
      const rlim_t most = own_threads() + more;
      const struct rlimit limit = {most, most};
      ASSERT_EQ(::setrlimit(RLIMIT_NPROC, &limit), 0);
      const SpawnError error = error_of(exiting(0).stdin_from(Stdio::pipe()));
      EXPECT_EQ(error.step, more == 0 ? SpawnError::Step::kCreateThread : SpawnError::Step::kLaunch);
      EXPECT_EQ(error.code, std::errc::resource_unavailable_try_again);
    });
  }
}

// The command's path leads through a directory that may not be searched.
void expect_denied(const Command& command, SpawnError::Step step, const std::string& value) {
  const SpawnError error = error_of(command);
  EXPECT_EQ(error.step, step) << error;
  EXPECT_EQ(error.code, std::errc::permission_denied) << error;
  EXPECT_EQ(error.subject, value);
}

TEST_F(SpawnCredentials, WhatIsInADirectoryThatTheCallerMayNotSearchIsDenied) {
  ASSERT_EQ(::chmod(directory_.c_str(), can_change_user() ? 0700 : 0), 0);
  run_unprivileged([this] {
    expect_denied(exiting(0), SpawnError::Step::kExec, program_);
    expect_denied(Command("/bin/true").cwd(directory_), SpawnError::Step::kChangeDirectory, directory_);
    expect_denied(Command("/bin/true").stdin_from(Stdio::file(program_)), SpawnError::Step::kOpenFile, program_);
    // Whether the program is there cannot be known (execvp(3)).
    expect_denied(Command("test_child").env("PATH", "/no/such:" + directory_), SpawnError::Step::kResolveProgram,
                  "test_child");
    EXPECT_TRUE(Child::spawn(Command("true").env("PATH", directory_ + ":/bin")).value().wait().value().success());
  });
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
}

// The caller may search the directory, and the child's user may not.
TEST_F(SpawnCredentials, WhatIsInADirectoryThatTheChildsUserMayNotSearchIsDenied) {
  if (!can_change_user()) GTEST_SKIP() << "needs to be root, with other users mapped";
  ASSERT_EQ(::chmod(directory_.c_str(), 0700), 0);
  const Credentials credentials{kUser, kGroup, {}};
  expect_denied(exiting(0).credentials(credentials), SpawnError::Step::kExec, program_);
  Command elsewhere("/bin/true");
  expect_denied(elsewhere.cwd(directory_).credentials(credentials), SpawnError::Step::kChangeDirectory, directory_);
}

}  // namespace
}  // namespace warden::test_support
