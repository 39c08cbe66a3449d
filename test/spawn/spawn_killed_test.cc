// A child that is killed on its way to exec, as the OOM killer does it: the spawn says so, and leaves nothing.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/process_snapshot.h"
#include "test/support/send_signal.h"
#include "test/support/sigchld_disposition.h"
#include "test/support/spawn_helpers.h"
#include "test/support/temporary_directory.h"
#include "test/support/test_child_path.h"
#include "test/support/thief.h"

namespace warden::test_support {
namespace {

struct Setting {
  const char* name;
  void (*apply)(Command& command);
};

void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

// The error of a spawn whose child is killed once `wait_for_event` has returned and there is a child.
SpawnError error_of_killed(Command command, void (*wait_for_event)()) {
  std::thread killer([wait_for_event] {
    wait_for_event();
    for (;;) {
      const auto children = ProcessSnapshot::take().children;
      if (!children.empty()) return static_cast<void>(send_signal_by_number(children.begin()->first, SIGKILL));
      ::sched_yield();
    }
  });
  SpawnError error = error_of(command);
  killer.join();
  return error;
}

std::string make_fifo(const TemporaryDirectory& directory) {
  std::string fifo = directory.path("fifo");
  EXPECT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  return fifo;
}

// How the library can know whether the child has executed differs.
class ChildKilledBeforeItsExec : public ::testing::TestWithParam<Setting> {
 protected:
  Command command(const std::string& program) const {
    Command command(program);
    command.stdout_to(Stdio::null());
    GetParam().apply(command);
    return command;
  }

  const TemporaryDirectory directory_;
};

// The open of a FIFO without a reader holds the child.
TEST_P(ChildKilledBeforeItsExec, IsAnErrorWhetherOrNotTheProgramExists) {
  const std::string fifo = make_fifo(directory_);
  for (const std::string& program : {test_child_path(), std::string("/no/such/program")}) {
    const SpawnError error = error_of_killed(command(program).stdout_to(Stdio::file(fifo)), [] {});
    EXPECT_EQ(error.code, Errc::kNotExecuted) << error;
    EXPECT_EQ(error.step, SpawnError::Step::kLaunch) << error;
    EXPECT_THAT(error.to_string(), ::testing::EndsWith(": the child was killed before it had executed the program"));
  }
}

// A lease on the program's file holds the child in execve(2), until the holder gives the lease back (fcntl(2),
// F_SETLEASE). The kernel tells the holder by SIGIO.
TEST_P(ChildKilledBeforeItsExec, IsAnErrorToWhoseStepTheExecBelongs) {
  run_isolated([this] {
    const std::string program = directory_.path("program");
    std::filesystem::copy_file(test_child_path(), program);
    const int fd = ::open(program.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    sigset_t before, lease_breaks;
    sigemptyset(&lease_breaks);
    sigaddset(&lease_breaks, SIGIO);
    pthread_sigmask(SIG_BLOCK, &lease_breaks, &before);
    if (::fcntl(fd, F_SETLEASE, F_WRLCK) != 0) {
      ::close(fd);
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      GTEST_SKIP() << "no lease on this file system: errno " << errno;
    }
    const SpawnError error = error_of_killed(command(program), [] {
      sigset_t awaited;
      sigemptyset(&awaited);
      sigaddset(&awaited, SIGIO);
      int signal = 0;
      EXPECT_EQ(::sigwait(&awaited, &signal), 0);
    });
    EXPECT_EQ(error.code, Errc::kNotExecuted) << error;
    EXPECT_EQ(error.step, SpawnError::Step::kExec) << error;
    EXPECT_EQ(error.subject, program) << error;
    ::close(fd);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
}

INSTANTIATE_TEST_SUITE_P(
    That, ChildKilledBeforeItsExec,
    ::testing::Values(Setting{"LeadsAGroup", [](Command&) {}},
                      Setting{"LeadsASession", [](Command& command) { command.new_session(true); }},
                      Setting{"IsInOurGroup", [](Command& command) { command.group(false); }},
                      Setting{"DiesWithItsParent", [](Command& command) { command.die_with_parent(true); }}),
    [](const auto& setting) { return std::string(setting.param.name); });

// With a change of user the child has a copy of the memory, and reports by a page that both map.
TEST(ChildOfAnotherUserKilledBeforeItsExec, IsAnErrorOfTheLaunch) {
  const TemporaryDirectory directory;
  const std::string fifo = make_fifo(directory);
  Command command("sh");
  command.credentials({::geteuid(), std::nullopt, std::nullopt}).stdout_to(Stdio::file(fifo));
  const SpawnError error = error_of_killed(command, [] {});
  EXPECT_EQ(error.code, Errc::kNotExecuted) << error;
  EXPECT_EQ(error.step, SpawnError::Step::kLaunch) << error;
}

// Until its exec the child is no child for the host's waits, and its death sends no signal.
TEST(ChildKilledBeforeItsExecInAHostThatReapsEverything, IsAnErrorAllTheSame) {
  run_isolated([] {
    const TemporaryDirectory directory;
    const Command command = Command("sh").stdout_to(Stdio::file(make_fifo(directory)));
    const Thief thief;
    EXPECT_EQ(error_of_killed(command, [] {}).code, Errc::kNotExecuted);
    EXPECT_EQ(thief.stolen(), 0);
  });
}

std::atomic<int> sigchlds{0};

TEST(ChildKilledBeforeItsExecInAHostWithADisposition, IsAnErrorAndSendsTheHostNoSigchld) {
  run_isolated([] {
    const TemporaryDirectory directory;
    const Command command = Command("sh").stdout_to(Stdio::file(make_fifo(directory)));
    {
      const SigchldDisposition counted([](int) { ++sigchlds; }, 0);
      EXPECT_EQ(error_of_killed(command, [] {}).code, Errc::kNotExecuted);
    }
    EXPECT_EQ(sigchlds, 0);
    const SigchldDisposition ignored(SIG_IGN, 0);
    EXPECT_EQ(error_of_killed(command, [] {}).code, Errc::kNotExecuted);
  });
}

// The counterpart: who is killed as soon as it has executed was started.
TEST(ChildKilledAfterItsExec, IsASpawnThatSucceedsAndAStatus) {
  for (int round = 0; round < 100; ++round) {
    for (const bool own_session : {false, true}) {
      auto child = Child::spawn(Command("sh").arg("-c").arg("kill -9 $$").new_session(own_session));
      ASSERT_TRUE(child.has_value()) << child.error();
      EXPECT_EQ(child.value().wait().value(), ExitStatus::signaled(Signal::kill(), false));
    }
  }
}

}  // namespace
}  // namespace warden::test_support
