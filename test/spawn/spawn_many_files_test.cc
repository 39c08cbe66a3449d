// Pipes to a child of a host with so many open files that the pipes get high numbers. The child opens such pipes by
// /proc where it can, and inherits them otherwise: its streams are the same.
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/many_files.h"
#include "test/support/other_user.h"
#include "test/support/output_helpers.h"
#include "test/support/proc_view.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

// A line goes into stdin, and comes out of stdout and stderr.
void expect_streams_work() {
  Command command = captured_shell("read line; echo \"out $line\"; echo \"err $line\" >&2");
  Child child = Child::spawn(command.stdin_from(Stdio::pipe())).value();
  EXPECT_GE(child.stdin_fd(), kMany / 2);
  send_line(child, "text");
  EXPECT_EQ(finished_output(child).text(), "out text\n");
  EXPECT_EQ(child.output(OutputStream::kStderr).value().text(), "err text\n");
}

TEST(PipesAboveManyFiles, CarryWhatIsWritten) {
  const ManyFiles files;
  expect_streams_work();
}

TEST(PipesAboveManyFiles, AreAllThatTheChildHasBesideWhatItIsGiven) {
  const ManyFiles files;
  const Command command = Command(test_child_path()).stdin_from(Stdio::pipe()).stdout_to(Stdio::capture());
  EXPECT_EQ(open_descriptors(report_of(command)), "0 1 2");
}

TEST(PipesAboveManyFiles, HaveTheFlagsOfAnyPipe) {
  const ManyFiles files;
  const auto flags_of = [](int fd) {
    Command command = captured_shell(absl::StrCat("grep flags: /proc/self/fdinfo/", fd));
    Child child = Child::spawn(command.stdin_from(Stdio::pipe())).value();
    return std::stoi(finished_output(child).text().substr(sizeof "flags:"), nullptr, 8) &
           (O_ACCMODE | O_NONBLOCK | O_APPEND);
  };
  EXPECT_EQ(flags_of(0), O_RDONLY);
  EXPECT_EQ(flags_of(1), O_WRONLY);
}

// /proc/PID/fd is that of the first thread, whose table has other files under the same numbers.
TEST(PipesAboveManyFiles, AreThoseOfTheThreadThatSpawns) {
  run_isolated_unchecked([] {
    const ManyFiles files;
    std::thread thread([&files] {
      ASSERT_EQ(::unshare(CLONE_FILES), 0);
      files.close_last(20);
      expect_streams_work();
    });
    thread.join();
  });
}

TEST(PipesAboveManyFiles, WorkWhenTheReaperLaunches) {
  const ManyFiles files;
  Child child = Child::spawn(captured_shell("echo text").die_with_parent(true)).value();
  EXPECT_EQ(finished_output(child).text(), "text\n");
}

TEST(PipesAboveManyFiles, WorkForAChildWithOtherIds) {
  if (!why_no_other_user().empty()) GTEST_SKIP() << why_no_other_user();
  const ManyFiles files;
  Credentials other;
  other.uid = 1234;
  Child by_other = Child::spawn(captured_shell("id -u").credentials(other)).value();
  EXPECT_EQ(finished_output(by_other).text(), "1234\n");
}

// Whether a child of this process may open one of the process's descriptors by /proc.
bool child_may_open(int fd) {
  const std::string path = absl::StrCat("/proc/", ::getpid(), "/fd/", fd);
  const int pid = ::fork();
  if (pid == 0) ::_exit(::open(path.c_str(), O_RDONLY) >= 0 ? 0 : 1);
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status == 0;
}

// Only a process with the capability to trace may open the descriptors of a process that is not dumpable (proc(5),
// ptrace(2)).
TEST(PipesAboveManyFiles, AreInheritedWhereTheChildMayNotOpenThem) {
  run_isolated_unchecked([] {
    const ManyFiles files;
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    ASSERT_EQ(::syscall(SYS_capset, &header, none), 0);
    ASSERT_EQ(::prctl(PR_SET_DUMPABLE, 0), 0);
    ASSERT_FALSE(child_may_open(kMany)) << "this test is about nothing here";
    expect_streams_work();
  });
}

class PipesAboveManyFilesBy : public ::testing::TestWithParam<ProcView> {};

TEST_P(PipesAboveManyFilesBy, AnyViewOfProc) {
  if (!why_no_proc_view(GetParam()).empty()) GTEST_SKIP() << why_no_proc_view(GetParam());
  run_with_proc_view(GetParam(), NamespaceRole::kBelowInit, [] {
    const ManyFiles files;
    expect_streams_work();
  });
}

const char* name_of(const ::testing::TestParamInfo<ProcView>& view) {
  const char* const names[] = {"Whole", "Covered", "Unmounted", "Hidden", "HiddenInOwn", "ProcessesOnly", "Foreign"};
  return names[static_cast<int>(view.param)];
}

INSTANTIATE_TEST_SUITE_P(Views, PipesAboveManyFilesBy,
                         ::testing::Values(ProcView::kWhole, ProcView::kCovered, ProcView::kUnmounted,
                                           ProcView::kHidden, ProcView::kHiddenInOwn, ProcView::kProcessesOnly,
                                           ProcView::kForeign),
                         name_of);

}  // namespace
}  // namespace warden::test_support
