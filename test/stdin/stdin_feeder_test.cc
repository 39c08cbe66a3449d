// Feeding a child's stdin in the background, from a text and from a descriptor.
#include "lib/stdin/stdin_feeder.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "lib/child/spawn_child.h"
#include "lib/os/deadline.h"
#include "lib/supervise/wait_child.h"
#include "lib/terminate/terminate_child.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/large_text.h"

namespace warden::internal {
namespace {

using Kind = StdinError::Kind;
using test_support::AckPipe;
using test_support::digest_line;
using test_support::kBound;
using test_support::kLargeText;
using test_support::large_text;
using test_support::test_command;
using test_support::wait_forked;

// Opens an unlinked file with this text, at its beginning.
UniqueFd file_with(const std::string& text) {
  std::string name = ::testing::TempDir() + "stdin_feeder_XXXXXX";
  UniqueFd file(::mkostemp(name.data(), O_CLOEXEC));
  ::unlink(name.c_str());
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

class StdinFeederTest : public ::testing::Test {
 protected:
  void spawn(const std::vector<std::string>& mode) {
    auto spawned = spawn_child(linux_sys(), test_command(ack_, mode).stdin_from(Stdio::pipe()));
    ASSERT_TRUE(spawned.has_value()) << spawned.error();
    handle_ = std::move(spawned).value();
  }
  ~StdinFeederTest() override {
    if (handle_ != nullptr) kill();
  }

  void kill() {
    Lock lock(*handle_->supervised);
    EXPECT_TRUE(terminate_child(*handle_->supervised, lock, TerminationPolicy::immediate()).has_value());
  }
  ExitStatus wait() {
    Lock lock(*handle_->supervised);
    return *wait_child(*handle_->supervised, lock, TimePoint::max()).value();
  }
  bool stdin_is_open() {
    Lock lock(*handle_->supervised);
    return handle_->supervised->stdin_fd(lock) >= 0;
  }
  TimePoint bound() { return deadline_after(linux_sys().now(), kBound); }
  // Waits until the pipe contains bytes that the child does not read.
  void wait_until_fed() {
    for (int unread = 0; unread == 0;) {
      ::sched_yield();
      Lock lock(*handle_->supervised);
      ASSERT_EQ(::ioctl(handle_->supervised->stdin_fd(lock), FIONREAD, &unread), 0);
    }
  }

  AckPipe ack_;
  std::unique_ptr<Handle> handle_;
};

TEST_F(StdinFeederTest, FeedsATextWholeAndClosesThePipe) {
  spawn({"digest", "exit", "5"});
  const std::string text = large_text();
  StdinFeeder feeder;
  ASSERT_EQ(feeder.start(handle_->supervised, text), 0);
  EXPECT_TRUE(ack_.wait_for(digest_line(text)));
  const FeedReport report = feeder.finish(bound());
  EXPECT_EQ(report.written, text.size());
  EXPECT_FALSE(report.stdin_error.has_value());
  EXPECT_FALSE(report.source_error);
  EXPECT_FALSE(report.abandoned);
  EXPECT_FALSE(stdin_is_open());
  EXPECT_EQ(wait(), ExitStatus::exited(5));
}

TEST_F(StdinFeederTest, FeedsAFileWholeAndClosesThePipe) {
  spawn({"digest", "exit", "5"});
  const std::string text = large_text();
  StdinFeeder feeder;
  ASSERT_EQ(feeder.start(handle_->supervised, file_with(text)), 0);
  EXPECT_TRUE(ack_.wait_for(digest_line(text)));
  const FeedReport report = feeder.finish(bound());
  EXPECT_EQ(report.written, text.size());
  EXPECT_FALSE(report.stdin_error.has_value());
  EXPECT_FALSE(report.source_error);
  EXPECT_EQ(wait(), ExitStatus::exited(5));
}

TEST_F(StdinFeederTest, FeedsWhatAPipeGivesWhenItGivesIt) {
  spawn({"read-some", "3", "read"});
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);  // the feeder works with O_NONBLOCK, too
  UniqueFd source(ends[1]);
  StdinFeeder feeder;
  ASSERT_EQ(feeder.start(handle_->supervised, UniqueFd(ends[0])), 0);
  ASSERT_EQ(::write(source.get(), "abc", 3), 3);
  EXPECT_TRUE(ack_.wait_for("read 3"));
  ASSERT_EQ(::write(source.get(), "defg", 4), 4);
  source.reset();
  EXPECT_TRUE(ack_.wait_for("eof 4"));
  EXPECT_EQ(feeder.finish(bound()).written, 7u);
}

TEST_F(StdinFeederTest, ReadsNothingFromAFileThatTheHostHasAtTheNumberOfItsSource) {
  spawn({"read-some", "3", "read"});
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd source(ends[1]);
  const UniqueFd reader(::fcntl(ends[0], F_DUPFD_CLOEXEC, 3));  // the pipe keeps one
  StdinFeeder feeder;
  ASSERT_EQ(feeder.start(handle_->supervised, UniqueFd(ends[0])), 0);
  ASSERT_EQ(::write(source.get(), "abc", 3), 3);
  EXPECT_TRUE(ack_.wait_for("read 3"));
  const UniqueFd file = file_with("text of the host");
  ASSERT_EQ(::dup2(file.get(), ends[0]), ends[0]);
  const UniqueFd replaced(ends[0]);
  ASSERT_EQ(::write(source.get(), "d", 1), 1);
  EXPECT_TRUE(ack_.wait_for("eof 0"));
  const FeedReport report = feeder.finish(bound());
  EXPECT_EQ(report.written, 3u);
  EXPECT_EQ(report.source_error, std::error_code(EBADF, std::generic_category()));
  EXPECT_EQ(::lseek(replaced.get(), 0, SEEK_CUR), 0);
}

TEST_F(StdinFeederTest, NothingIsTheEndOfTheInput) {
  for (const bool from_file : {false, true}) {
    spawn({"read"});
    StdinFeeder feeder;
    ASSERT_EQ(
        from_file ? feeder.start(handle_->supervised, file_with("")) : feeder.start(handle_->supervised, std::string()),
        0);
    EXPECT_TRUE(ack_.wait_for("eof 0"));
    const FeedReport report = feeder.finish(bound());
    EXPECT_EQ(report.written, 0u);
    EXPECT_FALSE(report.stdin_error.has_value());
    kill();
  }
}

TEST_F(StdinFeederTest, StopsWhenTheChildClosesItsStdin) {
  spawn({"read-some", "1000000", "close-stdin"});
  StdinFeeder feeder;
  ASSERT_EQ(feeder.start(handle_->supervised, large_text()), 0);
  const FeedReport report = feeder.finish(bound());
  EXPECT_EQ(report.stdin_error.value().kind, Kind::kNoReader);
  EXPECT_GE(report.written, 1000000u);
  EXPECT_LT(report.written, kLargeText);
}

TEST_F(StdinFeederTest, StopsWhenTheChildClosesItsStdinThoughTheSourceIsSilent) {
  spawn({"read-some", "3", "close-stdin"});
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd source(ends[1]);
  StdinFeeder feeder;
  ASSERT_EQ(feeder.start(handle_->supervised, UniqueFd(ends[0])), 0);
  ASSERT_EQ(::write(source.get(), "abc", 3), 3);
  EXPECT_EQ(feeder.finish(bound()).stdin_error.value().kind, Kind::kNoReader);
}

TEST_F(StdinFeederTest, StopsWhenTheChildEndsThoughADescendantHoldsThePipe) {
  for (const bool from_silent_pipe : {false, true}) {
    spawn({"fork", "hold-open", "--", "read-some", "3", "exit", "4"});
    wait_forked(ack_, {"child holding"});
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd read_end(ends[0]);
    const UniqueFd source(ends[1]);
    ASSERT_EQ(::write(source.get(), "abc", 3), 3);
    StdinFeeder feeder;
    ASSERT_EQ(from_silent_pipe ? feeder.start(handle_->supervised, std::move(read_end))
                               : feeder.start(handle_->supervised, large_text()),
              0);
    EXPECT_EQ(feeder.finish(bound()).stdin_error.value().kind, Kind::kChildEnded);
    EXPECT_EQ(wait(), ExitStatus::exited(4));
    kill();
  }
}

TEST_F(StdinFeederTest, StopsAtTheDeadlineOfWhoWaitsForItAndClosesThePipe) {
  spawn({"sleep"});
  StdinFeeder feeder;
  ASSERT_EQ(feeder.start(handle_->supervised, large_text()), 0);
  wait_until_fed();
  const FeedReport report = feeder.finish(TimePoint::min());
  EXPECT_EQ(report.stdin_error.value().kind, Kind::kClosed);
  EXPECT_GT(report.written, 0u);
  EXPECT_FALSE(report.abandoned);
  EXPECT_FALSE(stdin_is_open());
  EXPECT_EQ(feeder.finish(bound()).written, 0u) << "nothing is left to be waited for";
}

// Often, so that the deadline finds the feeder both in its wait and on the way to it.
TEST_F(StdinFeederTest, StopsAtTheDeadlineThoughTheSourceIsSilent) {
  for (int round = 0; round < 20; ++round) {
    spawn({"sleep"});
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd read_end(ends[0]);
    const UniqueFd source(ends[1]);
    ASSERT_EQ(::write(source.get(), "abc", 3), 3);
    StdinFeeder feeder;
    ASSERT_EQ(feeder.start(handle_->supervised, std::move(read_end)), 0);
    wait_until_fed();
    for (int i = 0; i < round; ++i) ::sched_yield();
    const FeedReport report = feeder.finish(TimePoint::min());
    EXPECT_FALSE(report.abandoned);
    EXPECT_EQ(report.written, 3u);
    EXPECT_EQ(report.stdin_error.value().kind, Kind::kClosed);
    kill();
  }
}

TEST_F(StdinFeederTest, ItsEndStopsTheThread) {
  spawn({"sleep"});
  {
    StdinFeeder feeder;
    ASSERT_EQ(feeder.start(handle_->supervised, large_text()), 0);
    wait_until_fed();
  }
  EXPECT_FALSE(stdin_is_open());
}

// A child that has read the whole file may end before the feeder sees the file's end.
TEST_F(StdinFeederTest, IsStoppedByTheEndOfTheChildOnlyWhereSomethingIsLeft) {
  for (const std::string text : {"", "abc"}) {
    spawn({"exit", "0"});
    EXPECT_EQ(wait(), ExitStatus::exited(0));
    StdinFeeder feeder;
    ASSERT_EQ(feeder.start(handle_->supervised, file_with(text)), 0);
    EXPECT_EQ(feeder.finish(bound()).stdin_error.has_value(), !text.empty());
    kill();
  }
}

// The size of a file in /proc is 0 whatever its text is, and that of one in /sys is a page.
TEST_F(StdinFeederTest, IsStoppedByTheEndOfTheChildWhereAFileOfNoSizeHasTextLeft) {
  for (const bool is_read : {false, true}) {
    UniqueFd source(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
    char text[64 * 1024];
    if (is_read) {
      ASSERT_GT(::read(source.get(), text, sizeof text), 0);
    }
    spawn({"exit", "0"});
    EXPECT_EQ(wait(), ExitStatus::exited(0));
    StdinFeeder feeder;
    ASSERT_EQ(feeder.start(handle_->supervised, std::move(source)), 0);
    EXPECT_EQ(feeder.finish(bound()).stdin_error.has_value(), !is_read);
    kill();
  }
}

TEST_F(StdinFeederTest, IsNotStoppedByTheEndOfTheChildWhereAFileIsShorterThanItsSize) {
  UniqueFd source(::open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC));
  char text[4096];
  if (source.get() < 0 || ::read(source.get(), text, sizeof text) <= 0) GTEST_SKIP() << "no such file here";
  spawn({"exit", "0"});
  EXPECT_EQ(wait(), ExitStatus::exited(0));
  StdinFeeder feeder;
  ASSERT_EQ(feeder.start(handle_->supervised, std::move(source)), 0);
  EXPECT_FALSE(feeder.finish(bound()).stdin_error.has_value());
}

TEST_F(StdinFeederTest, TellsWhyTheSourceCannotBeRead) {
  spawn({"read"});
  StdinFeeder feeder;
  ASSERT_EQ(feeder.start(handle_->supervised, UniqueFd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC))), 0);
  const FeedReport report = feeder.finish(bound());
  EXPECT_EQ(report.source_error, std::errc::is_a_directory);
  EXPECT_FALSE(report.stdin_error.has_value());
  EXPECT_TRUE(ack_.wait_for("eof 0"));
}

TEST_F(StdinFeederTest, WithoutAStartThereIsNothingToFinish) {
  StdinFeeder feeder;
  const FeedReport report = feeder.finish(TimePoint::max());
  EXPECT_EQ(report.written, 0u);
  EXPECT_FALSE(report.stdin_error.has_value());
}

}  // namespace
}  // namespace warden::internal
