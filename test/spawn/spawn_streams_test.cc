// The standard streams as files, pipes and /dev/null.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"
#include "test/support/temporary_directory.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

class SpawnStreams : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return directory_.path(name); }
  void put(const std::string& name, const std::string& text) const { std::ofstream(path(name)) << text; }
  std::string get(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }
  static ExitStatus run(const Command& command) {
    Result<Child, SpawnError> child = Child::spawn(command);
    EXPECT_TRUE(child.has_value()) << child.error();
    return child.has_value() ? child.value().wait().value() : ExitStatus::lost();
  }

  const TemporaryDirectory directory_;
};

TEST_F(SpawnStreams, AFileForStdoutIsTruncated) {
  put("out", "what was there before");
  EXPECT_TRUE(run(test_command({"write", "text"}).stdout_to(Stdio::file(path("out")))).success());
  EXPECT_EQ(get("out"), "text");
}

TEST_F(SpawnStreams, AnAppendFileKeepsWhatIsThere) {
  put("out", "before ");
  EXPECT_TRUE(run(test_command({"write", "text"}).stdout_to(Stdio::append_file(path("out")))).success());
  EXPECT_EQ(get("out"), "before text");
}

TEST_F(SpawnStreams, AFileIsCreatedByTheParentsUmaskAndNotByTheChilds) {
  const mode_t before = ::umask(0027);
  EXPECT_TRUE(run(test_command({"exit", "0"}).umask(0777).stderr_to(Stdio::file(path("out")))).success());
  ::umask(before);
  struct stat info = {};
  ASSERT_EQ(::stat(path("out").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(SpawnStreams, AFileForStdinIsRead) {
  put("in", "12345");
  AckPipe ack;
  Command command = test_command(ack, {"read"});
  EXPECT_TRUE(run(command.stdin_from(Stdio::file(path("in")))).success());
  EXPECT_TRUE(ack.wait_for("eof 5"));
}

TEST_F(SpawnStreams, ARelativeFileIsTakenFromTheParentsDirectory) {
  run_isolated_unchecked([this] {
    ASSERT_EQ(::chdir(directory_.path().c_str()), 0);
    EXPECT_TRUE(run(test_command({"write", "here"}).cwd("/").stdout_to(Stdio::file("out"))).success());
  });
  EXPECT_EQ(get("out"), "here");
}

// The path leads to the stream that it replaces: here to a file that this user may open, whatever the stream is
// outside.
TEST_F(SpawnStreams, AFileMayBeTheStreamItselfByItsPathInDev) {
  run_isolated_unchecked([this] {
    ASSERT_EQ(::dup2(::open(path("err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), STDERR_FILENO), STDERR_FILENO);
    Command command(test_child_path());
    const Report report = report_of(command.stderr_to(Stdio::append_file("/dev/stderr")));
    EXPECT_EQ(file_of(report, STDERR_FILENO), file_of(STDERR_FILENO));
    EXPECT_EQ(open_descriptors(report), "0 1 2");
  });
}

TEST_F(SpawnStreams, AFileThatCannotBeOpenedIsNamed) {
  const SpawnError missing = error_of(test_command({"sleep"}).stdin_from(Stdio::file(path("in"))));
  EXPECT_EQ(missing.code, std::errc::no_such_file_or_directory);
  EXPECT_EQ(missing.step, SpawnError::Step::kOpenFile);
  EXPECT_EQ(missing.subject, path("in"));
  const SpawnError directory = error_of(test_command({"sleep"}).stderr_to(Stdio::file(directory_.path())));
  EXPECT_EQ(directory.code, std::errc::is_a_directory);
  EXPECT_EQ(directory.step, SpawnError::Step::kOpenFile);
  EXPECT_EQ(directory.subject, directory_.path());
}

// The host was started with such streams, or has made them so.
TEST_F(SpawnStreams, InheritedOnesAreTheChildsThoughTheParentsAreCloseOnExec) {
  run_isolated_unchecked([] {
    for (int fd = 0; fd < 3; ++fd) ASSERT_EQ(::fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
    const Report report = report_of(Command(test_child_path()));
    EXPECT_EQ(open_descriptors(report), "0 1 2");
    for (int fd = 0; fd < 3; ++fd) {
      EXPECT_EQ(file_of(report, fd), file_of(fd)) << fd;
      EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC) << "the parent's are as they were";
    }
  });
}

TEST_F(SpawnStreams, NullIsReadableAndWritable) {
  Command command(test_child_path());
  command.stdin_from(Stdio::null()).stdout_to(Stdio::null()).stderr_to(Stdio::null());
  const Report report = report_of(command);
  EXPECT_EQ(open_descriptors(report), "0 1 2");
  for (const std::string key : {"fd.0", "fd.1", "fd.2"}) {
    const std::string line = report.at(key);
    EXPECT_EQ(line.substr(line.rfind(' ') + 1), "/dev/null");
    std::istringstream words(line);
    std::string file;
    int descriptor_flags = -1;
    int status_flags = -1;
    words >> file >> descriptor_flags >> status_flags;
    EXPECT_EQ(descriptor_flags, 0);
    EXPECT_EQ(status_flags & O_ACCMODE, O_RDWR);
  }
}

TEST_F(SpawnStreams, APipeForStdinEndsWhenItIsClosed) {
  AckPipe ack;
  Command command = test_command(ack, {"read", "exit", "6"});
  Result<Child, SpawnError> child = Child::spawn(command.stdin_from(Stdio::pipe()));
  ASSERT_TRUE(child.has_value()) << child.error();
  EXPECT_EQ(ack.wait_line(), "ready");
  const int fd = child.value().stdin_fd();
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::write(fd, "abc", 3), 3);
  child.value().close_stdin();
  EXPECT_EQ(child.value().stdin_fd(), -1);
  EXPECT_EQ(ack.wait_line(), "eof 3");
  EXPECT_EQ(child.value().wait().value(), ExitStatus::exited(6));
}

TEST_F(SpawnStreams, AnotherChildDoesNotHoldTheFirstsPipeOpen) {
  AckPipe ack;
  Command reader = test_command(ack, {"read"});
  Result<Child, SpawnError> first = Child::spawn(reader.stdin_from(Stdio::pipe()));
  Result<Child, SpawnError> second = Child::spawn(test_command({"sleep"}));
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(ack.wait_line(), "ready");
  first.value().close_stdin();
  EXPECT_EQ(ack.wait_line(), "eof 0");
  EXPECT_TRUE(first.value().wait().value().success());
  EXPECT_TRUE(second.value().kill().has_value());
}

}  // namespace
}  // namespace warden::test_support
