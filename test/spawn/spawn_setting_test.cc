// Each option of the setting, as seen from inside the child.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

Command reporter() { return Command(test_child_path()); }

std::string real_temp_directory() {
  char real[4096] = "";
  EXPECT_NE(::realpath(::testing::TempDir().c_str(), real), nullptr);
  return real;
}

TEST(SpawnSetting, WithoutAGroupItStaysInTheParents) {
  const Report report = report_of(reporter().group(false));
  EXPECT_EQ(report.at("pgrp"), std::to_string(::getpgrp()));
  EXPECT_EQ(report.at("sid"), std::to_string(::getsid(0)));
}

TEST(SpawnSetting, ANewSessionIsLedByTheChildWithItsGroup) {
  for (const bool group : {true, false}) {
    const Report report = report_of(reporter().new_session(true).group(group));
    EXPECT_EQ(report.at("sid"), report.at("pid"));
    EXPECT_EQ(report.at("pgrp"), report.at("pid"));
  }
}

TEST(SpawnSetting, StartsInItsDirectory) {
  const Report report = report_of(reporter().cwd(real_temp_directory()));
  EXPECT_EQ(report.at("cwd"), real_temp_directory());
}

TEST(SpawnSetting, StartsInTheParentsDirectoryByDefault) {
  char here[4096];
  ASSERT_NE(::getcwd(here, sizeof here), nullptr);
  EXPECT_EQ(report_of(reporter()).at("cwd"), here);
}

TEST(SpawnSetting, ARelativeProgramIsTakenFromTheChildsDirectory) {
  const std::string directory = real_temp_directory() + "/relative-" + std::to_string(::getpid());
  ASSERT_EQ(::mkdir(directory.c_str(), 0700), 0);
  ASSERT_EQ(::symlink(test_child_path().c_str(), (directory + "/program").c_str()), 0);
  const Report report = report_of(Command("./program").cwd(directory));
  EXPECT_EQ(report.at("cwd"), directory);
  EXPECT_EQ(report.at("argv.0"), "./program");
  const SpawnError error = error_of(Command("./program"));  // it is not in the host's directory
  EXPECT_EQ(error.code, std::errc::no_such_file_or_directory);
  ::unlink((directory + "/program").c_str());
  ::rmdir(directory.c_str());
}

TEST(SpawnSetting, HasTheUmask) {
  EXPECT_EQ(report_of(reporter().umask(0)).at("umask"), "0000");
  EXPECT_EQ(report_of(reporter().umask(0137)).at("umask"), "0137");
  EXPECT_EQ(report_of(reporter().umask(0777)).at("umask"), "0777");
  const mode_t before = ::umask(0026);
  const std::string inherited = report_of(reporter()).at("umask");
  ::umask(before);
  EXPECT_EQ(inherited, "0026");
}

TEST(SpawnSetting, HasTheLimitsAndOnlyThose) {
  Command command = reporter();
  command.limit({RLIMIT_CORE, 0, 0}).limit({RLIMIT_NOFILE, 950, 951}).limit({RLIMIT_FSIZE, 1u << 20, 1u << 21});
  const Report before = report_of(reporter());
  const Report report = report_of(command);
  const auto key = [](int resource) { return "limit." + std::to_string(resource); };
  EXPECT_EQ(report.at(key(RLIMIT_CORE)), "0 0");
  EXPECT_EQ(report.at(key(RLIMIT_NOFILE)), "950 951");
  EXPECT_EQ(report.at(key(RLIMIT_FSIZE)), "1048576 2097152");
  for (const int other : {RLIMIT_CPU, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_AS, RLIMIT_NPROC}) {
    EXPECT_EQ(report.at(key(other)), before.at(key(other)));
  }
}

// Not RLIMIT_CORE, which AddressSanitizer sets in the child.
TEST(SpawnSetting, AnUnlimitedLimitIsInfinity) {
  struct rlimit parents = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &parents), 0);
  ASSERT_EQ(parents.rlim_max, RLIM_INFINITY) << "run the tests without a limit of the file size";
  run_isolated_unchecked([] {
    const struct rlimit low = {1u << 30, RLIM_INFINITY};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
    EXPECT_EQ(report_of(reporter().limit({RLIMIT_FSIZE})).at("limit." + std::to_string(RLIMIT_FSIZE)), "-1 -1");
  });
}

TEST(SpawnSetting, TheLastOfTwoLimitsCounts) {
  Command command = reporter();
  command.limit({RLIMIT_FSIZE, 0, 1u << 22}).limit({RLIMIT_FSIZE, 1u << 20, 1u << 21});
  EXPECT_EQ(report_of(command).at("limit." + std::to_string(RLIMIT_FSIZE)), "1048576 2097152");
}

TEST(SpawnSetting, HasTheNiceValueItselfAndNotAnIncrement) {
  EXPECT_EQ(report_of(reporter().nice(7)).at("nice"), "7");
  run_isolated_unchecked([] {
    ASSERT_EQ(::setpriority(PRIO_PROCESS, 0, 5), 0);
    EXPECT_EQ(report_of(reporter().nice(11)).at("nice"), "11");
    EXPECT_EQ(report_of(reporter()).at("nice"), "5");
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), 5);
  });
}

// The processors that this thread may run on.
std::vector<int> own_processors() {
  cpu_set_t set;
  EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0) << "run the tests on less than 1024 processors";
  std::vector<int> processors;
  for (int i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &set)) processors.push_back(i);
  }
  return processors;
}

TEST(SpawnSetting, RunsOnTheProcessorsAndOnNoOthers) {
  const std::string inherited = report_of(reporter()).at("Cpus_allowed_list");
  for (const int processor : own_processors()) {
    const std::vector<int> one = {processor, 8191};  // the kernel leaves out what the machine does not have
    EXPECT_EQ(report_of(reporter().cpu_affinity(one)).at("Cpus_allowed_list"), std::to_string(processor));
  }
  EXPECT_EQ(report_of(reporter().cpu_affinity(own_processors())).at("Cpus_allowed_list"), inherited);
  EXPECT_EQ(report_of(reporter().cpu_affinity({8191}).cpu_affinity(own_processors())).at("Cpus_allowed_list"),
            inherited);
}

TEST(SpawnSetting, GainsNoPrivilegesWhereThatIsAskedFor) {
  for (const bool on_reaper : {false, true}) {
    const Command command = reporter().die_with_parent(on_reaper);
    EXPECT_EQ(report_of(Command(command).no_new_privileges(true)).at("NoNewPrivs"), "1");
    EXPECT_EQ(report_of(command).at("NoNewPrivs"), std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
  }
}

TEST(SpawnSetting, WithDieWithParentItHasTheSignalAndIsStillOurs) {
  const Report report = report_of(reporter().die_with_parent(true));
  EXPECT_EQ(report.at("pdeathsig"), std::to_string(SIGKILL));
  EXPECT_EQ(report.at("ppid"), std::to_string(::getpid()));
  EXPECT_EQ(report.at("pgrp"), report.at("pid"));
}

TEST(SpawnSetting, WithDieWithParentItDiesWithTheParentHoweverThatDies) {
  AckPipe ack;
  const pid_t parent = ::fork();
  if (parent == 0) {
    Command command = test_command(ack, {"stubborn"});
    Result<Child, SpawnError> child = Child::spawn(command.die_with_parent(true));
    ack.close_write();
    for (;;) ::pause();
  }
  ack.close_write();
  EXPECT_EQ(ack.wait_line(), "ready");
  ::kill(parent, SIGKILL);
  EXPECT_TRUE(ack.wait_eof());
  int status = 0;
  EXPECT_EQ(::waitpid(parent, &status, 0), parent);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

// The kernel ties the signal to the launching thread: that must be neither the caller's nor one that ends on detach.
TEST(SpawnSetting, WithDieWithParentItOutlivesTheThreadThatAskedAndTheHandle) {
  run_isolated([] {
    AckPipe ack;
    AckPipe hold;
    std::thread([&ack, &hold] {
      Command command = test_command(ack, {"read", "exit", "0"});
      command.die_with_parent(true).stdin_from(Stdio::fd(hold.read_fd()));
      Result<Child, SpawnError> child = Child::spawn(command);
      ASSERT_TRUE(child.has_value()) << child.error();
      child.value().detach_on_destruction();
    }).join();
    ack.close_write();
    EXPECT_EQ(ack.wait_line(), "ready");
    hold.close_write();
    EXPECT_EQ(ack.wait_line(), "eof 0");  // the child was not killed: it lived to say so
    EXPECT_TRUE(ack.wait_eof());
  });
}

TEST(SpawnSetting, AllOptionsAtOnceHold) {
  Command command = reporter();
  command.new_session(true).cwd(real_temp_directory()).umask(0077).nice(9).die_with_parent(true);
  command.limit({RLIMIT_CORE, 0, 0}).env("ONE", "1").stdout_to(Stdio::null()).stdin_from(Stdio::null());
  const Report report = report_of(command);
  EXPECT_EQ(report.at("sid"), report.at("pid"));
  EXPECT_EQ(report.at("cwd"), real_temp_directory());
  EXPECT_EQ(report.at("umask"), "0077");
  EXPECT_EQ(report.at("nice"), "9");
  EXPECT_EQ(report.at("pdeathsig"), "9");
  EXPECT_EQ(open_descriptors(report), "0 1 2");
}

}  // namespace
}  // namespace warden::test_support
