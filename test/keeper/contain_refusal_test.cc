// What a system refuses is an error of the spawn, before the program has done anything, and the host is as it was.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/kernel_version.h"
#include "test/support/child_probe.h"
#include "test/support/every_setting.h"
#include "test/support/isolated.h"
#include "test/support/pid_namespace.h"
#include "test/support/proc_view.h"
#include "test/support/seccomp_filter.h"
#include "test/support/temporary_directory.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using ::testing::HasSubstr;

SpawnError refusal_of(Command command) {
  auto spawned = Child::spawn(command);
  if (spawned) {
    ADD_FAILURE() << "the spawn succeeded";
    spawned.value().kill().value();
    return {};
  }
  return spawned.error();
}

TEST(ContainmentList, ThatIsEmptyIsRefused) {
  const SpawnError error = refusal_of(test_command({"sleep"}).containment({}));
  EXPECT_EQ(error.step, SpawnError::Step::kValidate);
  EXPECT_THAT(error.to_string(), HasSubstr("invalid containment '': names no containment"));
}

TEST(ContainmentList, ThatNamesOneTwiceIsRefused) {
  const SpawnError error = refusal_of(test_command({"sleep"}).containment({Containment::kTree, Containment::kTree}));
  EXPECT_EQ(error.step, SpawnError::Step::kValidate);
  EXPECT_THAT(error.to_string(), HasSubstr("invalid containment 'tree': is named twice"));
}

TEST(Containment, ThatIsNoneIsRefused) {
  const SpawnError error = refusal_of(test_command({"sleep"}).containment(static_cast<Containment>(17)));
  EXPECT_EQ(error.step, SpawnError::Step::kValidate);
  EXPECT_THAT(error.to_string(), HasSubstr("is not a containment"));
}

// Calls of the keeper, or for it. The filter is the host's, which the keeper inherits.
struct Refused {
  const char* name;
  std::vector<RefusedCall> calls;
  const char* subject;
  int error;
};

RefusedCall refused(int number, int error = ENOSYS) { return {number, error}; }
RefusedCall refused_if(int number, int index, std::uint32_t argument, int error = EPERM) {
  return {number, error, RefusedCall::When::kArgumentIs, argument, index};
}

std::vector<Refused> every_refused() {
  const RefusedCall unshare = refused(SYS_unshare, EPERM);
  return {
      {"Socketpair", {refused(SYS_socketpair, EACCES)}, "socketpair", EACCES},
      {"MemfdCreate", {refused(SYS_memfd_create)}, "memfd_create", ENOSYS},
      {"PidfdOpen", {refused(SYS_pidfd_open)}, "pidfd_open", ENOSYS},
      {"PidfdClone", {refused_pidfd_clone()}, "clone", EINVAL},
      {"SharedClone", {{SYS_clone, EPERM, RefusedCall::When::kArgumentHasBit, CLONE_FILES}}, "clone", EPERM},
      {"Setpgid", {refused(SYS_setpgid, EPERM)}, "setpgid", EPERM},
      {"Subreaper",
       {refused_if(SYS_prctl, 0, PR_SET_CHILD_SUBREAPER, EINVAL)},
       "prctl(PR_SET_CHILD_SUBREAPER)",
       EINVAL},
      {"OwnTable", {refused(SYS_close_range, EPERM), unshare}, "close_range(CLOSE_RANGE_UNSHARE)", EPERM},
      {"Execveat", {refused(SYS_execveat, EACCES)}, "execveat", EACCES},
      {"Signalfd", {refused(SYS_signalfd4)}, "signalfd4", ENOSYS},
      {"Readlinkat", {refused(SYS_readlinkat, EACCES)}, "/proc/thread-self/children", EACCES},
      {"Wait", {refused(SYS_wait4)}, "wait4", ENOSYS},
      {"Send", {refused(SYS_sendto, EACCES)}, "the keeper has ended", ECANCELED},
      {"Receive", {refused(SYS_recvfrom, EACCES)}, "recvfrom", EACCES},
      {"Disposition", {refused_if(SYS_rt_sigaction, 0, SIGCHLD)}, "rt_sigaction", EPERM},
      {"Kill", {refused_if(SYS_kill, 1, 0)}, "kill", EPERM},
      {"Select", {refused(SYS_pselect6, EPERM)}, "pselect6", EPERM},
      {"SendSignal", {refused(SYS_pidfd_send_signal)}, "pidfd_send_signal", ENOSYS},
  };
}

class EveryRefusedCall : public ::testing::TestWithParam<Refused> {};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }
INSTANTIATE_TEST_SUITE_P(Calls, EveryRefusedCall, ::testing::ValuesIn(every_refused()),
                         [](const ::testing::TestParamInfo<Refused>& refused) { return refused.param.name; });

// The program's first act would be a file.
TEST_P(EveryRefusedCall, IsAnErrorBeforeTheProgramHasActed) {
  const TemporaryDirectory directory;
  const std::string file = directory.path("acted");
  const int times = wants_every_setting() ? 50 : 5;
  run_isolated_unchecked([&] {
    ASSERT_TRUE(refuse_system_calls(GetParam().calls));
    check_leaves_nothing([&] {
      for (int i = 0; i < times; ++i) {
        const SpawnError error =
            refusal_of(Command("/bin/sh").args({"-c", ": > " + file}).containment(Containment::kTree));
        EXPECT_EQ(error.step, SpawnError::Step::kContain) << error;
        EXPECT_EQ(error.code, std::error_code(GetParam().error, std::generic_category())) << error;
        EXPECT_EQ(error.subject, GetParam().subject);
      }
    });
    EXPECT_NE(::access(file.c_str(), F_OK), 0) << "it has acted";
  });
}

// Below the filter nothing can be looked up in /proc, by this test either.
TEST(RefusedOpen, IsAnError) {
  run_isolated_unchecked([] {
    ASSERT_TRUE(refuse_system_calls({refused(SYS_openat, EACCES)}));
    const SpawnError error = refusal_of(test_command({"sleep"}).containment(Containment::kTree));
    EXPECT_EQ(error.step, SpawnError::Step::kContain) << error;
    EXPECT_EQ(error.code, std::errc::permission_denied);
    EXPECT_EQ(error.subject, "/proc/thread-self/children");
  });
}

// The check for leftovers asks by that, too.
TEST(RefusedLook, IsAnError) {
  run_isolated_unchecked([] {
    ASSERT_TRUE(refuse_system_calls({refused_if(SYS_waitid, 0, P_ALL, EACCES)}));
    const SpawnError error = refusal_of(test_command({"sleep"}).containment(Containment::kTree));
    EXPECT_EQ(error.step, SpawnError::Step::kContain) << error;
    EXPECT_EQ(error.code, std::errc::permission_denied);
    EXPECT_EQ(error.subject, "waitid");
  });
}

TEST_P(EveryRefusedCall, LeavesTheNextOfAListToBeHad) {
  run_isolated_unchecked([&] {
    ASSERT_TRUE(refuse_system_calls(GetParam().calls));
    auto spawned = Child::spawn(test_command({"exit", "7"}).containment({Containment::kTree, Containment::kGroup}));
    // What the group needs, too, is refused for it as well.
    if (!spawned) {
      EXPECT_NE(spawned.error().step, SpawnError::Step::kContain) << spawned.error();
      return;
    }
    EXPECT_EQ(spawned.value().containment(), Containment::kGroup);
    EXPECT_EQ(spawned.value().wait().value(), ExitStatus::exited(7));
  });
}

// As container runtimes filter: no new namespaces, no clone3(2), no unshare(2).
TEST(Tree, CanBeHadBelowTheFilterOfAContainer) {
  run_isolated_unchecked([] {
    ASSERT_TRUE(refuse_system_calls({refused(SYS_clone3), refused(SYS_unshare, EPERM), refused(SYS_setns, EPERM)}));
    check_leaves_nothing([] {
      Child child = Child::spawn(test_command({"exit", "7"}).containment(Containment::kTree)).value();
      EXPECT_EQ(child.wait().value(), ExitStatus::exited(7));
    });
  });
}

class EveryUselessProc : public ::testing::TestWithParam<ProcView> {};
INSTANTIATE_TEST_SUITE_P(Views, EveryUselessProc,
                         ::testing::Values(ProcView::kCovered, ProcView::kUnmounted, ProcView::kForeign),
                         [](const ::testing::TestParamInfo<ProcView>& view) -> std::string {
                           switch (view.param) {
                             case ProcView::kCovered:
                               return "Covered";
                             case ProcView::kUnmounted:
                               return "Unmounted";
                             default:
                               return "Foreign";
                           }
                         });

TEST_P(EveryUselessProc, IsAnError) {
  const std::string reason = why_no_proc_view(GetParam());
  if (!reason.empty()) GTEST_SKIP() << reason;
  run_with_proc_view(GetParam(), NamespaceRole::kBelowInit, [] {
    const SpawnError error = refusal_of(test_command({"sleep"}).containment(Containment::kTree));
    EXPECT_EQ(error.step, SpawnError::Step::kContain) << error;
    EXPECT_EQ(error.subject, "/proc/thread-self/children");
  });
}

// A file in memory that is too large for the host's limit: the write would be a signal.
TEST(LimitOnFiles, IsAnError) {
  run_isolated_unchecked([] {
    const rlimit none = {0, RLIM_INFINITY};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
    const SpawnError error = refusal_of(test_command({"sleep"}).containment(Containment::kTree));
    EXPECT_EQ(error.step, SpawnError::Step::kContain) << error;
    EXPECT_EQ(error.code, std::errc::file_too_large);
  });
}

// A setting of the pid namespace (Linux 6.3).
TEST(MemoryThatMayNotBeExecuted, IsAnError) {
  const char* const kSetting = "/proc/sys/vm/memfd_noexec";
  if (!internal::kernel_is_at_least(6, 3)) GTEST_SKIP() << "this kernel has no " << kSetting;
  const std::string reason = why_no_pid_namespace();
  if (!reason.empty()) GTEST_SKIP() << reason;
  if (::geteuid() != 0) GTEST_SKIP() << "only root may set " << kSetting;
  run_in_pid_namespace([&] {
    std::ofstream(kSetting) << "2";
    std::string value;
    std::ifstream(kSetting) >> value;
    ASSERT_EQ(value, "2");
    const SpawnError error = refusal_of(test_command({"sleep"}).containment(Containment::kTree));
    EXPECT_EQ(error.step, SpawnError::Step::kContain) << error;
    EXPECT_EQ(error.code, std::errc::permission_denied);
    EXPECT_EQ(error.subject, "memfd_create");
    auto spawned = Child::spawn(test_command({"exit", "7"}).containment({Containment::kTree, Containment::kGroup}));
    ASSERT_TRUE(spawned.has_value()) << spawned.error();
    EXPECT_EQ(spawned.value().containment(), Containment::kGroup);
    EXPECT_EQ(spawned.value().wait().value(), ExitStatus::exited(7));
  });
}

TEST(FullTable, IsAnError) {
  run_isolated([] {
    std::vector<int> held;
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) held.push_back(fd);
    const SpawnError error = refusal_of(test_command({"sleep"}).containment(Containment::kTree));
    for (const int fd : held) ::close(fd);
    EXPECT_EQ(error.step, SpawnError::Step::kContain) << error;
    EXPECT_EQ(error.code, std::errc::too_many_files_open);
  });
}

TEST(Tree, OfAProgramThatCannotBeExecutedLeavesNothing) {
  const SpawnError error = refusal_of(Command("/nonexistent/program").containment(Containment::kTree));
  EXPECT_EQ(error.step, SpawnError::Step::kExec) << error;
  EXPECT_EQ(error.code, std::errc::no_such_file_or_directory);
}

TEST(Tree, WhoseFileCannotBeOpenedLeavesNothing) {
  const TemporaryDirectory directory;
  const SpawnError error = refusal_of(
      test_command({"sleep"}).stdout_to(Stdio::file(directory.path("no/file"))).containment(Containment::kTree));
  EXPECT_EQ(error.step, SpawnError::Step::kOpenFile) << error;
}

}  // namespace
}  // namespace warden::test_support
