// Which descriptors a child has: those that the command says and no others.
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

Command reporter() { return Command(test_child_path()); }

// Opens a new unlinked file under this number.
void open_file_at(int number, bool close_on_exec) {
  FILE* file = ::tmpfile();
  ASSERT_NE(file, nullptr);
  const int high = ::fcntl(::fileno(file), F_DUPFD_CLOEXEC, 960);  // the file may have got `number` itself
  ::fclose(file);
  ASSERT_EQ(::dup3(high, number, close_on_exec ? O_CLOEXEC : 0), number);
  ::close(high);
}

TEST(SpawnDescriptors, OnlyTheStandardStreamsAreOpenWhateverTheParentHasOpen) {
  run_isolated_unchecked([] {
    for (const int fd : {3, 4, 5, 7, 64, 100, 255, 256, 899, 901, 1000}) open_file_at(fd, false);
    const Report report = report_of(reporter());
    EXPECT_EQ(open_descriptors(report), "0 1 2");
    for (const int fd : {0, 1, 2}) EXPECT_EQ(file_of(report, fd), file_of(fd));
  });
}

TEST(SpawnDescriptors, InheritedOnesAreOpenWhateverTheirCloseOnExecFlag) {
  run_isolated_unchecked([] {
    open_file_at(5, true);
    open_file_at(7, false);
    open_file_at(8, false);
    const Report report = report_of(reporter().inherit_fd(5).inherit_fd(7).inherit_fd(8, 800));
    EXPECT_EQ(open_descriptors(report), "0 1 2 5 7 800");
    EXPECT_EQ(file_of(report, 5), file_of(5));
    EXPECT_EQ(file_of(report, 7), file_of(7));
    EXPECT_EQ(file_of(report, 800), file_of(8));
    EXPECT_EQ(::fcntl(5, F_GETFD), FD_CLOEXEC);  // the parent's flag stays
  });
}

TEST(SpawnDescriptors, NothingStaysOpenBetweenOrAboveWhereTheSourceIsHigh) {
  run_isolated_unchecked([] {
    for (const int fd : {4, 6, 920, 950}) open_file_at(fd, false);
    const Report report = report_of(reporter().inherit_fd(950, 5));
    EXPECT_EQ(open_descriptors(report), "0 1 2 5");
    EXPECT_EQ(file_of(report, 5), file_of(950));
  });
}

TEST(SpawnDescriptors, SwapsAndCyclesOfInheritedOnesHold) {
  run_isolated_unchecked([] {
    for (const int fd : {4, 5, 6}) open_file_at(fd, fd == 5);
    Command command = reporter();
    command.inherit_fd(4, 5).inherit_fd(5, 6).inherit_fd(6, 4).inherit_fd(5, 7).inherit_fd(0, 3);
    const Report report = report_of(command.stdin_from(Stdio::fd(6)).stderr_to(Stdio::fd(4)));
    EXPECT_EQ(open_descriptors(report), "0 1 2 3 4 5 6 7");
    EXPECT_EQ(file_of(report, 5), file_of(4));
    EXPECT_EQ(file_of(report, 6), file_of(5));
    EXPECT_EQ(file_of(report, 4), file_of(6));
    EXPECT_EQ(file_of(report, 7), file_of(5));
    EXPECT_EQ(file_of(report, 3), file_of(0));
    EXPECT_EQ(file_of(report, 0), file_of(6));
    EXPECT_EQ(file_of(report, 2), file_of(4));
  });
}

// The descriptor that a child should have under one number.
struct Wanted {
  int target;
  int source;  // kInherited, or a descriptor of the parent
};
constexpr int kInherited = -1;

std::string name_of(const std::vector<Wanted>& wanted) {
  std::string text;
  for (const Wanted& one : wanted) text += " " + std::to_string(one.target) + "<-" + std::to_string(one.source);
  return text;
}

Command command_for(const std::vector<Wanted>& wanted) {
  Command command = reporter();
  for (const auto& [target, source] : wanted) {
    if (target >= 3) command.inherit_fd(source, target);
    if (target >= 3 || source == kInherited) continue;
    if (target == 0) command.stdin_from(Stdio::fd(source));
    if (target == 1) command.stdout_to(Stdio::fd(source));
    if (target == 2) command.stderr_to(Stdio::fd(source));
  }
  return command;
}

// Returns what is wrong with the child of such a command, a line each: as text, since the tests replace the streams to
// which GoogleTest would write.
std::string faults_of(const std::vector<Wanted>& wanted, const std::string& dev_null) {
  std::vector<std::pair<int, std::string>> expected;
  for (const auto& [target, source] : wanted) {
    const std::string file = file_of(source == kInherited ? target : source);
    expected.push_back({target, source == kInherited && file == "closed" ? dev_null : file});
  }
  std::sort(expected.begin(), expected.end());
  std::string numbers;
  for (const auto& [target, file] : expected) numbers += (numbers.empty() ? "" : " ") + std::to_string(target);
  const Report report = report_of(command_for(wanted));
  std::string faults;
  if (open_descriptors(report) != numbers) faults += name_of(wanted) + ": open are " + open_descriptors(report) + "\n";
  for (const auto& [target, file] : expected) {
    if (file_of(report, target) == file) continue;
    faults +=
        name_of(wanted) + ": " + std::to_string(target) + " is " + file_of(report, target) + ", not " + file + "\n";
  }
  return faults;
}

// Returns what is wrong with the refusal of a command that names a closed descriptor.
std::string faults_of_refusal(const std::vector<Wanted>& wanted, int target, int source) {
  const std::string name = std::vector<std::string>{"stdin", "stdout", "stderr"}[static_cast<size_t>(target)];
  const Result<Child, SpawnError> child = Child::spawn(command_for(wanted));
  if (child.has_value()) return name_of(wanted) + ": started with a closed source\n";
  const SpawnError& error = child.error();
  const bool right = error.code == std::errc::bad_file_descriptor && error.step == SpawnError::Step::kValidate &&
                     error.invalid_argument->field == name && error.invalid_argument->value == std::to_string(source);
  return right ? "" : name_of(wanted) + ": " + error.to_string() + "\n";
}

class StandardStreams : public ::testing::TestWithParam<int> {};

// Fills the child's 0-2 from the parent's 0-3 and 5 (4 is a hole) in all ways, where the bits of the parameter close
// the parent's 0-2.
TEST_P(StandardStreams, AreRightInEveryPermutationWithHolesAndOverlaps) {
  run_isolated_unchecked([] {
    const int saved = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 950);
    for (const int fd : {0, 1, 2, 3, 5}) open_file_at(fd, fd % 2 == 0);
    ::close(4);
    for (int fd = 0; fd < 3; ++fd) {
      if ((GetParam() >> fd & 1) != 0) ::close(fd);
    }
    std::string faults;
    struct stat info = {};
    ::stat("/dev/null", &info);
    const std::string null_file = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
    std::string before;
    for (int fd = 0; fd < 6; ++fd) before += file_of(fd) + " ";
    for (const int a : {kInherited, 0, 1, 2, 3, 5}) {
      for (const int b : {kInherited, 0, 1, 2, 3, 5}) {
        for (const int c : {kInherited, 0, 1, 2, 3, 5}) {
          const std::vector<Wanted> wanted = {{0, a}, {1, b}, {2, c}};
          const auto closed = std::find_if(wanted.begin(), wanted.end(), [](const Wanted& one) {
            return one.source != kInherited && file_of(one.source) == "closed";
          });
          faults += closed == wanted.end() ? faults_of(wanted, null_file)
                                           : faults_of_refusal(wanted, closed->target, closed->source);
        }
      }
    }
    std::string after;
    for (int fd = 0; fd < 6; ++fd) after += file_of(fd) + " ";
    ::dup2(saved, STDOUT_FILENO);
    EXPECT_EQ(faults, "");
    EXPECT_EQ(after, before);
  });
}

INSTANTIATE_TEST_SUITE_P(EachClosedSubset, StandardStreams, ::testing::Range(0, 8));

TEST(SpawnDescriptors, AreRightInRandomMappingsOfManyToMany) {
  run_isolated_unchecked([] {
    for (int fd = 3; fd < 12; ++fd) open_file_at(fd, fd % 3 == 0);
    std::mt19937 random(20240607);
    std::string faults;
    for (int round = 0; round < 100; ++round) {
      std::vector<Wanted> wanted;
      for (int target = 0; target < 16; ++target) {
        if (target < 3 || random() % 2 == 0) wanted.push_back({target, static_cast<int>(random() % 12)});
      }
      std::shuffle(wanted.begin(), wanted.end(), random);
      faults += faults_of(wanted, "");
    }
    EXPECT_EQ(faults, "");
  });
}

// Otherwise a pidfd or pipe of the library could get the number of a closed stdin, and the host might close that number
// later.
TEST(SpawnDescriptors, NoneOfOursTakesTheNumberOfAClosedStream) {
  run_isolated_unchecked([] {
    ::close(0);
    ::close(2);
    Result<Child, SpawnError> child = Child::spawn(test_command({"read"}).stdin_from(Stdio::pipe()));
    ASSERT_TRUE(child.has_value()) << child.error();
    EXPECT_EQ(file_of(0), "closed");
    EXPECT_EQ(file_of(2), "closed");
    EXPECT_GE(child.value().stdin_fd(), 3);
    child.value().close_stdin();
    EXPECT_TRUE(child.value().wait().value().success());
    EXPECT_EQ(file_of(0), "closed");
  });
}

// There is no free number above the targets to which a source could be moved.
TEST(SpawnDescriptors, ASwapOfTheHighestPossibleNumbersHolds) {
  run_isolated_unchecked([] {
    open_file_at(898, true);
    open_file_at(899, false);
    const struct rlimit small = {901, 901};  // kReportFd is the last
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
    const Report report = report_of(reporter().inherit_fd(898, 899).inherit_fd(899, 898));
    EXPECT_EQ(file_of(report, 899), file_of(898));
    EXPECT_EQ(file_of(report, 898), file_of(899));
  });
}

}  // namespace
}  // namespace warden::test_support
