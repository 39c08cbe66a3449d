// Command::inherit_descriptors: the child gets what fork(2) and execve(2) would have left it.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/scarce_descriptors.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

Command reporter() { return Command(test_child_path()).inherit_descriptors(true); }

// Opens a new unlinked file under this number.
void open_file_at(int number, bool close_on_exec) {
  FILE* file = ::tmpfile();
  ASSERT_NE(file, nullptr);
  const int high = ::fcntl(::fileno(file), F_DUPFD_CLOEXEC, 1010);  // the file may have got `number` itself
  ::fclose(file);
  ASSERT_EQ(::dup3(high, number, close_on_exec ? O_CLOEXEC : 0), number);
  ::close(high);
}

using Files = std::map<int, std::string>;  // "dev:ino" by number

// The files that this process leaves open for a program that it executes.
Files inheritable() {
  Files files;
  for (int fd = 0; fd < 4096; ++fd) {
    if (::fcntl(fd, F_GETFD) == 0) files[fd] = file_of(fd);
  }
  return files;
}

Files files_of(const Report& report) {
  Files files;
  for (const auto& [key, value] : report) {
    if (key.compare(0, 3, "fd.") != 0) continue;
    const int fd = std::stoi(key.substr(3));
    if (fd != kReportFd) files[fd] = file_of(report, fd);
  }
  return files;
}

// UndefinedBehaviorSanitizer opens a pipe, not close-on-exec, to look at an object of a type that it has not seen: a
// thread that it looks in would leave the pipe to a child that another thread starts. Every type is seen now.
void let_the_sanitizer_see() {
  for (const bool on_reaper : {false, true}) {
    Command command = reporter().stdin_from(Stdio::pipe()).die_with_parent(on_reaper);
    report_of(command.stdout_to(Stdio::capture()).stderr_to(Stdio::capture()));
  }
}

// Some open and some close-on-exec, from low to high.
void open_files() {
  let_the_sanitizer_see();
  for (const int fd : {5, 7, 64, 300, 1000}) open_file_at(fd, false);
  for (const int fd : {6, 8, 65, 301, 1001}) open_file_at(fd, true);
}

TEST(SpawnInherit, EveryDescriptorWithoutCloseOnExecIsTheChildsToo) {
  run_isolated_unchecked([] {
    open_files();
    const Files expected = inheritable();
    ASSERT_EQ(expected.count(1000), 1u);
    for (const bool on_reaper : {false, true}) {
      EXPECT_EQ(files_of(report_of(reporter().die_with_parent(on_reaper))), expected);
    }
    EXPECT_EQ(open_descriptors(report_of(reporter().inherit_descriptors(false))), "0 1 2");
    EXPECT_EQ(inheritable(), expected);
  });
}

TEST(SpawnInherit, NoneOfTheLibrarysOwnIs) {
  run_isolated_unchecked([] {
    open_files();
    const Files expected = inheritable();
    Command other = test_command({"read"}).stdin_from(Stdio::pipe()).stdout_to(Stdio::capture());
    Child beside = Child::spawn(other.stderr_to(Stdio::capture())).value();
    Command command = reporter().stdin_from(Stdio::pipe());
    Files found = files_of(report_of(command.stdout_to(Stdio::capture()).stderr_to(Stdio::capture())));
    for (const int fd : {0, 1, 2}) {
      EXPECT_NE(found.at(fd), expected.at(fd));
      found[fd] = expected.at(fd);
    }
    EXPECT_EQ(found, expected);
    EXPECT_TRUE(beside.wait().value().success());
  });
}

TEST(SpawnInherit, ATargetReplacesTheHostsDescriptorOfItsNumber) {
  run_isolated_unchecked([] {
    open_files();
    Files expected = inheritable();
    Command command = reporter().inherit_fd(5, 7).inherit_fd(7, 5).inherit_fd(6, 300).inherit_fd(8).inherit_fd(64, 9);
    expected[7] = file_of(5);
    expected[5] = file_of(7);
    expected[300] = file_of(6);
    expected[8] = file_of(8);
    expected[9] = file_of(64);
    EXPECT_EQ(files_of(report_of(command)), expected);
  });
}

TEST(SpawnInherit, TheStandardStreamsAreAsEver) {
  run_isolated_unchecked([] {
    open_files();
    struct stat null = {};
    ASSERT_EQ(::stat("/dev/null", &null), 0);
    ::close(0);
    Files expected = inheritable();
    expected[0] = std::to_string(null.st_dev) + ":" + std::to_string(null.st_ino);
    expected[1] = file_of(6);
    expected[2] = file_of(6);
    Command command = reporter().stdout_to(Stdio::fd(6)).stderr_to(Stdio::merge());
    EXPECT_EQ(files_of(report_of(command)), expected);
  });
}

TEST(SpawnInherit, HasRoomInAFullTableUnlessDescriptorsChangePlaces) {
  NEEDS_A_FULL_TABLE();
  run_isolated_unchecked([] {
    open_file_at(5, false);
    open_file_at(7, false);
    const ScarceDescriptors full(0);
    Command command = test_command({"exit", "0"}).inherit_descriptors(true).stdin_from(Stdio::null());
    EXPECT_TRUE(Child::spawn(command.inherit_fd(5, 7)).value().wait().value().success());
    const SpawnError error = error_of(command.inherit_fd(7, 5));
    EXPECT_EQ(error.step, SpawnError::Step::kSetDescriptor);
    EXPECT_EQ(error.code, std::errc::too_many_files_open);
    EXPECT_TRUE(Child::spawn(command.inherit_descriptors(false)).value().wait().value().success());
  });
}

}  // namespace
}  // namespace warden::test_support
