// A spawn that fails says at which step and why, and leaves nothing behind.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "test/support/spawn_helpers.h"
#include "test/support/temporary_directory.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

std::error_code os_error(int error) { return {error, std::generic_category()}; }

void expect_error(const Command& command, SpawnError::Step step, int error, const std::string& subject) {
  const SpawnError found = error_of(command);
  EXPECT_EQ(found.step, step) << found;
  EXPECT_EQ(found.code, os_error(error)) << found;
  EXPECT_EQ(found.subject, subject) << found;
  EXPECT_FALSE(found.invalid_argument.has_value());
  EXPECT_EQ(found.process_name, command.display_name());
}

// A program file of some kind.
class SpawnFailure : public ::testing::Test {
 protected:
  void put(const std::string& text, mode_t mode) const {
    std::ofstream(file_) << text;
    ASSERT_EQ(::chmod(file_.c_str(), mode), 0);
  }

  const TemporaryDirectory directory_;
  const std::string file_ = directory_.path("file");
};

TEST_F(SpawnFailure, AMissingProgramIsNoSuchFile) {
  expect_error(Command(file_), SpawnError::Step::kExec, ENOENT, file_);
}

TEST_F(SpawnFailure, AMissingNameInThePathIsNoSuchFile) {
  // That of this process may have a directory that it may not search.
  expect_error(Command("no_such_program_anywhere").env("PATH", "/usr/bin:/bin"), SpawnError::Step::kResolveProgram,
               ENOENT, "no_such_program_anywhere");
}

TEST_F(SpawnFailure, AFileThatMayNotBeExecutedIsDenied) {
  put("text", 0600);
  expect_error(Command(file_), SpawnError::Step::kExec, EACCES, file_);
  expect_error(Command(directory_.path()), SpawnError::Step::kExec, EACCES, directory_.path());
}

TEST_F(SpawnFailure, AFileOfAnUnknownFormatIsNotGivenToAShell) {
  put("exit 0\n", 0700);
  expect_error(Command(file_), SpawnError::Step::kExec, ENOEXEC, file_);
}

TEST_F(SpawnFailure, AFileInThePathOfTheProgramIsNotADirectory) {
  put("text", 0600);
  expect_error(Command(file_ + "/program"), SpawnError::Step::kExec, ENOTDIR, file_ + "/program");
}

TEST_F(SpawnFailure, AMissingInterpreterIsNoSuchFile) {
  put("#!/no/such/interpreter\n", 0700);
  expect_error(Command(file_), SpawnError::Step::kExec, ENOENT, file_);
}

TEST_F(SpawnFailure, ATooLongArgumentOrVariableIsSaid) {
  const std::string huge(8 << 20, 'x');
  expect_error(test_command({"exit", "0"}).arg(huge), SpawnError::Step::kExec, E2BIG, test_child_path());
  expect_error(test_command({"exit", "0"}).env("HUGE", huge), SpawnError::Step::kExec, E2BIG, test_child_path());
}

TEST_F(SpawnFailure, ALoopOfLinksIsSaid) {
  ASSERT_EQ(::symlink("file", file_.c_str()), 0);
  expect_error(Command(file_), SpawnError::Step::kExec, ELOOP, file_);
}

TEST_F(SpawnFailure, ATooLongNameIsSaid) {
  const std::string path = "/" + std::string(300, 'x');
  expect_error(Command(path), SpawnError::Step::kExec, ENAMETOOLONG, path);
}

TEST_F(SpawnFailure, ALimitThatCannotBeSetIsNamed) {
  // not even root may set it above fs.nr_open
  const std::string resource = "resource " + std::to_string(RLIMIT_NOFILE);
  Command command = test_command({"exit", "0"});
  command.limit({RLIMIT_CORE, 0, 0}).limit({RLIMIT_NOFILE});
  expect_error(command, SpawnError::Step::kSetLimit, EPERM, resource);
}

TEST_F(SpawnFailure, ProcessorsThatTheMachineDoesNotHaveAreNamed) {
  expect_error(test_command({"exit", "0"}).cpu_affinity({8190, 8191}), SpawnError::Step::kSetAffinity, EINVAL,
               "8190,8191");
}

TEST_F(SpawnFailure, AStdinThatIsNoTerminalCannotGiveTheForeground) {
  expect_error(test_command({"sleep"}).stdin_from(Stdio::null()).foreground(true), SpawnError::Step::kSetForeground,
               ENOTTY, "");
}

TEST_F(SpawnFailure, TheFirstThatFailsIsSaidAndTheRestIsNotDone) {
  Command command(file_);
  expect_error(command.stdout_to(Stdio::file("/no/such/file")), SpawnError::Step::kOpenFile, ENOENT, "/no/such/file");
}

TEST_F(SpawnFailure, ErrorsOnTheReaperComeBackTheSame) {
  expect_error(Command(file_).die_with_parent(true), SpawnError::Step::kExec, ENOENT, file_);
  expect_error(Command(file_).stdin_from(Stdio::pipe()), SpawnError::Step::kExec, ENOENT, file_);
}

TEST_F(SpawnFailure, NamesTheProgramAndNeverItsArgumentsOrEnvironment) {
  Command command("/no/such/program");
  command.args({"--password=secret"}).env("TOKEN", "secret");
  const std::string text = error_of(command).to_string();
  EXPECT_NE(text.find("/no/such/program"), std::string::npos) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
}

TEST_F(SpawnFailure, HasTheNameThatWasGiven) {
  Command command("/no/such/program");
  command.name("database");
  const std::string text = error_of(command).to_string();
  EXPECT_NE(text.find("'database'"), std::string::npos) << text;
}

TEST_F(SpawnFailure, ManyInARowLeaveNothing) {
  for (int i = 0; i < 100; ++i) expect_error(Command(file_), SpawnError::Step::kExec, ENOENT, file_);
}

TEST_F(SpawnFailure, ABusyProgramIsTriedAgainUntilItsWriterIsGone) {
  std::ifstream original(test_child_path(), std::ios::binary);
  std::ofstream(file_, std::ios::binary) << original.rdbuf();
  ASSERT_EQ(::chmod(file_.c_str(), 0700), 0);
  const int writer = ::open(file_.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_GE(writer, 0);
  const std::string program = file_;
  std::atomic<int> spawner{0};
  std::atomic<bool> over{false};
  std::thread thread([&program, &spawner, &over] {
    spawner = static_cast<int>(::syscall(SYS_gettid));
    Result<Child, SpawnError> child = Child::spawn(Command(program).args({"exit", "8"}));
    over = true;
    ASSERT_TRUE(child.has_value()) << child.error();
    EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(8));
  });
  // The first try has failed when the thread sleeps before the second.
  const std::string sleeping = std::to_string(SYS_clock_nanosleep) + " ";
  for (std::string call; call.compare(0, sleeping.size(), sleeping) != 0 && !over;) {
    std::getline(std::ifstream("/proc/self/task/" + std::to_string(spawner.load()) + "/syscall"), call);
    std::this_thread::yield();
  }
  ::close(writer);
  thread.join();
}

TEST_F(SpawnFailure, AProgramThatStaysBusyIsGivenUp) {
  put("#!/bin/true\n", 0700);
  const int writer = ::open(file_.c_str(), O_WRONLY | O_CLOEXEC);
  expect_error(Command(file_), SpawnError::Step::kExec, ETXTBSY, file_);
  ::close(writer);
}

// Steps that fail only because of a filter.
struct FilteredStep {
  const char* test;
  RefusedCall call;
  std::function<void(Command&)> ask;
  SpawnError::Step step;
  std::string value;
};

void PrintTo(const FilteredStep& filtered, std::ostream* out) { *out << filtered.test; }

std::vector<FilteredStep> filtered_steps() {
  const auto first_is = RefusedCall::When::kArgumentIs;
  const auto lacks = RefusedCall::When::kArgumentLacksBit;
  const auto capture_both = [](Command& c) { c.stdout_to(Stdio::capture()).stderr_to(Stdio::capture()); };
  return {
      {"Thread", {SYS_clone3, EAGAIN}, [](Command&) {}, SpawnError::Step::kCreateThread, ""},
      {"ThreadWithAPipe",
       {SYS_clone3, EAGAIN},
       [](Command& c) { c.stdin_from(Stdio::pipe()); },
       SpawnError::Step::kCreateThread,
       ""},
      {"ThreadThatLaunches",
       {SYS_clone3, EAGAIN},
       [](Command& c) { c.die_with_parent(true); },
       SpawnError::Step::kCreateThread,
       ""},
      {"ThreadWithACapture", {SYS_clone3, EAGAIN}, capture_both, SpawnError::Step::kCreateReader, ""},
      {"EventOfACapture", {SYS_eventfd2, EMFILE}, capture_both, SpawnError::Step::kCreateReader, ""},
      {"PipeOfACapture", {SYS_pipe2, EMFILE}, capture_both, SpawnError::Step::kCreatePipe, ""},
      {"LaunchWithACapture", {SYS_clone, EAGAIN, lacks, CLONE_THREAD}, capture_both, SpawnError::Step::kLaunch, ""},
      {"ExecWithACapture", {SYS_execve, EIO}, capture_both, SpawnError::Step::kExec, test_child_path()},
      {"Merge",
       {SYS_dup3, EMFILE},
       [](Command& c) { c.stderr_to(Stdio::merge()); },
       SpawnError::Step::kSetDescriptor,
       "2"},
      {"Launch", {SYS_clone, EAGAIN, lacks, CLONE_THREAD}, [](Command&) {}, SpawnError::Step::kLaunch, ""},
      {"LaunchOnReaper",
       {SYS_clone, EAGAIN, lacks, CLONE_THREAD},
       [](Command& c) { c.die_with_parent(true); },
       SpawnError::Step::kLaunch,
       ""},
      {"LaunchWithoutMemory",
       {SYS_clone, ENOMEM, lacks, CLONE_THREAD},
       [](Command& c) { c.stdin_from(Stdio::pipe()); },
       SpawnError::Step::kLaunch,
       ""},
      {"Pipe", {SYS_pipe2, ENFILE}, [](Command& c) { c.stdin_from(Stdio::pipe()); }, SpawnError::Step::kCreatePipe, ""},
      {"Group", {SYS_setpgid, EPERM}, [](Command&) {}, SpawnError::Step::kSetGroup, ""},
      {"Session", {SYS_setsid, EPERM}, [](Command& c) { c.new_session(true); }, SpawnError::Step::kSetSession, ""},
      {"Descriptor",
       {SYS_dup3, EMFILE},
       [](Command& c) { c.inherit_fd(1, 77); },
       SpawnError::Step::kSetDescriptor,
       "77"},
      {"Nice", {SYS_setpriority, EACCES}, [](Command& c) { c.nice(3); }, SpawnError::Step::kSetNice, "3"},
      {"Affinity",
       {SYS_sched_setaffinity, EPERM},
       [](Command& c) {
         c.cpu_affinity({2, 0});
       },
       SpawnError::Step::kSetAffinity,
       "2,0"},
      {"NoNewPrivileges",
       {SYS_prctl, EINVAL, first_is, PR_SET_NO_NEW_PRIVS},
       [](Command& c) { c.no_new_privileges(true); },
       SpawnError::Step::kNoNewPrivileges,
       ""},
      {"Directory", {SYS_chdir, EACCES}, [](Command& c) { c.cwd("/"); }, SpawnError::Step::kChangeDirectory, "/"},
      {"ParentDeathSignal",
       {SYS_prctl, EINVAL, first_is, PR_SET_PDEATHSIG},
       [](Command& c) { c.die_with_parent(true); },
       SpawnError::Step::kParentDeathSignal,
       ""},
      {"Exec", {SYS_execve, EIO}, [](Command&) {}, SpawnError::Step::kExec, test_child_path()},
  };
}

// UBSan makes a pipe when it checks an object of some type for the first time: that has to come before the filter
// refuses pipes.
void let_sanitizer_see_a_capture() {
  const Command missing = Command("/no/such/program").stdout_to(Stdio::capture()).stderr_to(Stdio::capture());
  expect_error(missing, SpawnError::Step::kExec, ENOENT, "/no/such/program");
}

class SpawnFailureAtStep : public ::testing::TestWithParam<FilteredStep> {};

TEST_P(SpawnFailureAtStep, IsNamedWithItsErrnoAndLeavesNothing) {
  run_isolated([] {
    const FilteredStep& filtered = GetParam();
    Command command = test_command({"sleep"});
    filtered.ask(command);
    let_sanitizer_see_a_capture();
    refuse_system_calls({filtered.call});
    expect_error(command, filtered.step, filtered.call.error, filtered.value);
  });
}

// The wait for the child that has failed is interrupted, as by a handler of the host's; the child has been reaped then.
TEST(SpawnFailureWithASignal, LeavesNoZombie) {
  run_isolated_unchecked([] {
    const RefusedOnce interrupted({{SYS_wait4, EINTR}}, 0);
    check_leaves_nothing([] {
      expect_error(Command("/no/such/program"), SpawnError::Step::kExec, ENOENT, "/no/such/program");
      EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG | __WALL), -1);
    });
  });
}

std::string test_name(const ::testing::TestParamInfo<FilteredStep>& step) { return step.param.test; }

INSTANTIATE_TEST_SUITE_P(Each, SpawnFailureAtStep, ::testing::ValuesIn(filtered_steps()), test_name);

}  // namespace
}  // namespace warden::test_support
