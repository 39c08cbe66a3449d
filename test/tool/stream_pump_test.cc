// One stream on its way through the tool, where no run of the tool could choose the moment; and which processes hold
// its pipe.
#include "lib/tool/stream_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/pipe.h"
#include "lib/os/sys.h"
#include "lib/output/pipe_holders.h"
#include "lib/tool/stream_target.h"
#include "test/support/large_text.h"
#include "test/support/proc_view.h"

namespace warden::tool {
namespace {

using internal::Pipe;
using internal::PipeHolders;
using test_support::NamespaceRole;
using test_support::ProcView;

Pipe open_pipe() {
  Pipe pipe;
  EXPECT_EQ(internal::make_pipe(&pipe), 0);
  return pipe;
}

// Returns the read end of a pipe that contains the text and has no writer.
UniqueFd source_of(const std::string& text) {
  Pipe pipe = open_pipe();
  EXPECT_GE(::fcntl(pipe.write_end.get(), F_SETPIPE_SZ, 1 << 20), 0);
  EXPECT_EQ(::write(pipe.write_end.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return std::move(pipe.read_end);
}

UniqueFd open_wake() { return UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

std::string read_to_end(const UniqueFd& fd) {
  std::string text;
  char bytes[4096];
  for (ssize_t count = 0; (count = ::read(fd.get(), bytes, sizeof bytes)) > 0;) {
    text.append(bytes, static_cast<std::size_t>(count));
  }
  return text;
}

bool can_be_written(const UniqueFd& fd) {
  pollfd polled = {fd.get(), POLLOUT, 0};
  return ::poll(&polled, 1, 0) == 1;
}

// The text is larger than the target takes before the reader reads.
TEST(StreamPump, WaitsForTheReaderThoughTheTimeForTheEndIsOver) {
  const std::string text = test_support::large_text(300000);
  Pipe target = open_pipe();
  std::string found;
  std::thread reader;
  {
    StreamPump pump(source_of(text), std::move(target.write_end), open_wake(), [](std::string_view) {});
    pump.expect_end_by(StreamPump::Clock::now() - std::chrono::hours(1));
    reader = std::thread([&] { found = read_to_end(target.read_end); });
    pump.join();
    EXPECT_TRUE(pump.result().complete);
    EXPECT_EQ(pump.result().passed_bytes, text.size());
  }
  reader.join();
  EXPECT_TRUE(found == text) << found.size();
}

TEST(StreamPump, CountsWhatIsThereAndPassesNothingOnOnceItHasGivenUp) {
  const std::string text = test_support::large_text(300000);
  const Pipe target = open_pipe();
  StreamPump pump(source_of(text), open_target(target.write_end.get()), open_wake(), [](std::string_view) {});
  pump.give_up_at(StreamPump::Clock::now());
  pump.give_up_at(StreamPump::Clock::now() + std::chrono::hours(1));  // the earliest time counts
  pump.expect_end_by(StreamPump::Clock::now());
  pump.join();
  EXPECT_TRUE(pump.result().complete);
  EXPECT_EQ(pump.result().total_bytes, text.size());
  EXPECT_LT(pump.result().passed_bytes, text.size());
}

// Whenever the reader makes room, the other writer may fill it between the pump's check for room and its write.
TEST(StreamPump, GivesUpInTimeThoughAnotherFillsTheSamePipe) {
  const Pipe target = open_pipe();
  const UniqueFd other = open_target(target.write_end.get());
  std::atomic<bool> stop{false};
  const std::string page(4096, 'o');
  std::thread filler([&] {
    while (!stop) static_cast<void>(!::write(other.get(), page.data(), page.size()));
  });
  for (int round = 0; round < 50; ++round) {
    StreamPump pump(source_of(test_support::large_text(500000)), open_target(target.write_end.get()), open_wake(),
                    [](std::string_view) {});
    char bytes[4096];
    for (int i = 0; i < 100; ++i) ASSERT_GT(::read(target.read_end.get(), bytes, sizeof bytes), 0);
    pump.give_up_at(StreamPump::Clock::now());
    pump.join();
  }
  stop = true;
  filler.join();
}

TEST(StreamTarget, OfAPipeLeavesTheModeOfTheToolsOwnDescriptorAlone) {
  const Pipe pipe = open_pipe();
  const UniqueFd target = open_target(pipe.write_end.get());
  ASSERT_GE(target.get(), 0);
  EXPECT_EQ(::fcntl(pipe.write_end.get(), F_GETFL) & O_NONBLOCK, 0);
  const std::string page(4096, 'x');
  while (can_be_written(target)) ASSERT_EQ(write_some(target, page), 4096);
  EXPECT_EQ(write_some(target, page), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(StreamTarget, OfAFileWritesWhereTheToolsOwnDescriptorIs) {
  const std::string path = ::testing::TempDir() + "/target";
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(file.get(), "one ", 4), 4);
  ASSERT_EQ(write_some(open_target(file.get()), "two "), 4);
  ASSERT_EQ(::write(file.get(), "three", 5), 5);
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(read_to_end(file), "one two three");
  EXPECT_EQ(::unlink(path.c_str()), 0);
}

// A socket has one mode for all processes that have it.
TEST(StreamTarget, OfASocketDoesNotBlock) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd own(ends[0]);
  const UniqueFd reader(ends[1]);
  const UniqueFd target = open_target(own.get());
  const std::string page(4096, 'x');
  ssize_t count = 0;
  while ((count = write_some(target, page)) > 0) {
  }
  EXPECT_EQ(count, -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(::fcntl(own.get(), F_GETFL) & O_NONBLOCK, 0);
}

class PipeWritersIn : public ::testing::TestWithParam<ProcView> {
 protected:
  // Runs the check in a process with that /proc, below the first process of a pid namespace.
  void look(const std::function<void(const PipeHolders&, int holder)>& check) {
    const std::string why_not = test_support::why_no_proc_view(GetParam());
    if (!why_not.empty()) GTEST_SKIP() << why_not;
    test_support::run_with_proc_view(GetParam(), NamespaceRole::kBelowInit, [&] {
      const Pipe pipe = open_pipe();
      struct stat info = {};
      ASSERT_EQ(::fstat(pipe.read_end.get(), &info), 0);
      check(internal::find_writers(internal::linux_sys(), info.st_ino), ::getpid());
    });
  }
};

class PipeWritersInAWholeProc : public PipeWritersIn {};
INSTANTIATE_TEST_SUITE_P(Tool, PipeWritersInAWholeProc, ::testing::Values(ProcView::kWhole, ProcView::kProcessesOnly));

TEST_P(PipeWritersInAWholeProc, AreAllKnown) {
  look([](const PipeHolders& writers, int holder) {
    ASSERT_EQ(writers.holders.size(), 1u);
    EXPECT_EQ(writers.holders[0].pid, holder);
    EXPECT_TRUE(writers.all_known);
  });
}

class PipeWritersInABadProc : public PipeWritersIn {};
INSTANTIATE_TEST_SUITE_P(Tool, PipeWritersInABadProc,
                         ::testing::Values(ProcView::kCovered, ProcView::kUnmounted, ProcView::kHidden,
                                           ProcView::kForeign));

TEST_P(PipeWritersInABadProc, AreNotSaidToBeAll) {
  look([](const PipeHolders& writers, int) { EXPECT_FALSE(writers.all_known); });
}

}  // namespace
}  // namespace warden::tool
