// The thread that reads captured streams, on pipes without a child.
#include "lib/output/output_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/sys.h"
#include "lib/output/drain_output.h"
#include "test/support/isolated.h"
#include "test/support/large_text.h"
#include "test/support/output_helpers.h"
#include "test/support/process_snapshot.h"
#include "test/support/seccomp_filter.h"

namespace warden::internal {
namespace {

using test_support::keep_first;
using test_support::text_in_lines;

constexpr OutputStream kStdout = OutputStream::kStdout;
constexpr OutputStream kStderr = OutputStream::kStderr;

// A pump of both streams, with the write ends that a child would have.
struct BothStreams {
  BothStreams() {
    EXPECT_EQ(pump.add(kStdout, {}, &out), 0);
    EXPECT_EQ(pump.add(kStderr, {}, &error), 0);
  }
  std::string text(OutputStream stream) { return pump.find(stream)->snapshot().text(); }
  DrainResult drain(TimePoint deadline = TimePoint::max()) { return drain_output(linux_sys(), pump, deadline); }

  OutputPump pump;
  UniqueFd out, error;
};

void write_to(const UniqueFd& fd, const std::string& text) {
  ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST(OutputPump, ReadsEachStreamToItsEnd) {
  BothStreams both;
  ASSERT_EQ(both.pump.start(), 0);
  write_to(both.out, "out");
  write_to(both.error, "err");
  both.out.reset();
  both.error.reset();
  EXPECT_TRUE(both.drain().complete());
  EXPECT_EQ(both.text(kStdout), "out");
  EXPECT_EQ(both.text(kStderr), "err");
}

TEST(OutputPump, ThatWasNeverStartedLeavesNothing) { const BothStreams both; }

TEST(OutputPump, LeavesNothingThoughItsStreamsHaveNotEnded) {
  BothStreams both;
  ASSERT_EQ(both.pump.start(), 0);
  write_to(both.out, "out");
}

// It then sees at once that it has to stop, and may have ended before it is woken.
TEST(OutputPump, LeavesNothingThoughItsThreadIsAtWork) {
  const std::string text(1 << 14, 'x');
  for (int i = 0; i < 1000; ++i) {
    BothStreams both;
    ASSERT_EQ(both.pump.start(), 0);
    write_to(both.out, text);
    write_to(both.error, text);
  }
}

// Puts a write-only descriptor of the host's in place of the stream's read end.
UniqueFd spoil(OutputPump& pump, OutputStream stream) {
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return UniqueFd(::dup3(null.get(), pump.find(stream)->fd(), O_CLOEXEC));
}

TEST(OutputPump, KeepsTheErrorOfAStreamThatCannotBeReadAndReadsTheOther) {
  BothStreams both;
  const UniqueFd spoiled = spoil(both.pump, kStdout);
  ASSERT_EQ(both.pump.start(), 0);
  write_to(both.error, "err");
  both.error.reset();
  const DrainResult drained = both.drain();
  ASSERT_EQ(drained.streams.size(), 2u);
  EXPECT_FALSE(drained.streams[0].complete);
  EXPECT_EQ(drained.streams[0].read_error, std::error_code(EBADF, std::generic_category()));
  EXPECT_TRUE(drained.streams[1].complete);
  const Output output = both.pump.find(kStdout)->snapshot();
  EXPECT_EQ(output.read_error(), std::error_code(EBADF, std::generic_category()));
  EXPECT_FALSE(output.complete());
  EXPECT_EQ(both.text(kStderr), "err");
}

// It may have gone on.
TEST(OutputPump, HandsOutTheLastLineOfAStreamThatCannotBeReadAsUnfinished) {
  BothStreams both;
  ASSERT_EQ(both.pump.start(), 0);
  write_to(both.out, "text");
  while (both.text(kStdout) != "text") both.drain(TimePoint::min());
  CapturedStream& stream = *both.pump.find(kStdout);
  std::vector<std::string> lines;
  const auto take = [&lines](const Line& line) {
    lines.push_back(std::string(line.text) + (line.unfinished ? "?" : ""));
    return true;
  };
  UniqueFd spoiled;
  for (int i = 0; i < 2; ++i) {  // before and after the error
    stream.attach(std::make_shared<LineSubscription>(stream.max_line_length(), take));
    both.drain(TimePoint::min());
    if (i == 0) spoiled = spoil(both.pump, kStdout);
    both.drain(TimePoint::min());
  }
  both.pump.stop();
  EXPECT_EQ(lines, (std::vector<std::string>{"text?", "text?"}));
}

// Another thread may ask while the pump does what it was asked for before: the child's last bytes may still be unread.
TEST(CapturedStream, HandsOutARestOnlyAfterTheReadingThatItWasAskedFor) {
  CapturedStream stream(kStdout, {});
  UniqueFd out;
  ASSERT_EQ(stream.open(&out), 0);
  std::vector<std::string> lines;
  std::shared_ptr<LineSubscription> subscription;
  const auto take = [&](const Line& line) {
    lines.push_back(std::string(line.text) + (line.unfinished ? "?" : ""));
    if (line.text == "first") write_to(out, "second\nlast");
    if (line.text == "second") {
      write_to(out, " words");
      stream.request_rest(*subscription);
    }
    return true;
  };
  subscription = std::make_shared<LineSubscription>(stream.max_line_length(), take);
  stream.attach(subscription);
  stream.request_catch_up();
  write_to(out, "first\n");
  std::vector<char> scratch(1024);
  stream.serve({scratch.data(), scratch.size()});
  EXPECT_EQ(lines, (std::vector<std::string>{"first", "second"}));
  stream.serve({scratch.data(), scratch.size()});
  EXPECT_EQ(lines, (std::vector<std::string>{"first", "second", "last words?"}));
}

// The host closes the pump's event, as a host does that closes descriptors it does not know.
TEST(OutputPump, GoesOnServingWithoutTheDescriptorThatWakesIt) {
  BothStreams both;
  const auto before = test_support::ProcessSnapshot::take().descriptors;
  ASSERT_EQ(both.pump.start(), 0);
  for (const auto& [fd, file] : test_support::ProcessSnapshot::take().descriptors) {
    if (before.count(fd) == 0) {
      EXPECT_THAT(file, ::testing::HasSubstr("eventfd"));
      both.drain(TimePoint::min());  // until the pump waits for the event
      ::close(fd);
    }
  }
  both.out.reset();  // which wakes the pump
  write_to(both.error, "err");
  both.error.reset();
  EXPECT_TRUE(both.drain().complete());
  EXPECT_EQ(both.text(kStderr), "err");
}

// Waits until the pump has seen that many bytes of the stream.
void wait_for_bytes(OutputPump& pump, std::uint64_t count) {
  while (pump.find(kStdout)->snapshot().total_bytes() < count) drain_output(linux_sys(), pump, TimePoint::min());
}

// Returns the stream's output when all of `text` is in the pipe before the pump reads any of it.
Output output_of_full_pipe(const std::string& text, const CaptureOptions& options, const std::string& later = {}) {
  OutputPump pump;
  UniqueFd out;
  EXPECT_EQ(pump.add(kStdout, options, &out), 0);
  EXPECT_GE(::fcntl(out.get(), F_GETPIPE_SZ), static_cast<int>(text.size())) << "a write would wait for ever";
  write_to(out, text);
  EXPECT_EQ(pump.start(), 0);
  wait_for_bytes(pump, text.size());
  if (!later.empty()) write_to(out, later);
  out.reset();
  EXPECT_TRUE(drain_output(linux_sys(), pump, TimePoint::max()).complete());
  return pump.find(kStdout)->snapshot();
}

void expect_kept(const Output& output, const std::string& all, std::size_t limit) {
  const std::size_t kept = std::min(limit, all.size());
  EXPECT_TRUE(output.text() == all.substr(0, kept)) << "of " << all.size();
  EXPECT_EQ(output.total_bytes(), all.size());
  const std::size_t tail = std::min(all.size() - kept, ChunkList::kTail);
  EXPECT_TRUE(output.tail() == all.substr(all.size() - tail)) << "of " << all.size();
}

// Sizes around the smallest that is skipped instead of read, and one close to the pipe's capacity.
constexpr std::size_t kSizes[] = {1, 4096, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 65'000};

TEST(BytesBeyondTheLimit, AreCountedAndTheirEndIsKept) {
  for (const std::size_t limit : {0u, 1u, 10'000u}) {
    for (const std::size_t size : kSizes) {
      const std::string text = text_in_lines(size);
      expect_kept(output_of_full_pipe(text, keep_first(limit)), text, limit);
      const std::string later = text_in_lines(100);
      expect_kept(output_of_full_pipe(text, keep_first(limit), later), text + later, limit);
    }
  }
}

TEST(BytesBeyondTheLimit, AreCountedAndTheirEndIsKeptWhereTheyCannotBeSkipped) {
  test_support::run_isolated([] {
    test_support::refuse_system_calls({{SYS_splice, ENOSYS}});
    for (const std::size_t size : kSizes) {
      const std::string text = text_in_lines(size);
      expect_kept(output_of_full_pipe(text, keep_first(0)), text, 0);
    }
  });
}

TEST(BytesBeyondTheLimit, AreCountedWhereNothingIsKeptOfTheLast) {
  for (const std::size_t size : kSizes) {
    const Output output = output_of_full_pipe(text_in_lines(size), test_support::keep_last(0));
    EXPECT_EQ(output.total_bytes(), size);
    EXPECT_EQ(output.text(), "");
  }
}

// A started pump of one stream that keeps `limit` bytes.
struct DiscardingPump {
  explicit DiscardingPump(std::uint64_t limit = 0) {
    EXPECT_EQ(pump.add(kStdout, keep_first(limit), &out), 0);
    EXPECT_EQ(pump.start(), 0);
  }
  // Collects all lines from now on.
  void subscribe() {
    CapturedStream& stream = *pump.find(kStdout);
    const auto take = [this](const Line& line) {
      lines.emplace_back(line.text);
      return true;
    };
    stream.attach(std::make_shared<LineSubscription>(stream.max_line_length(), take));
    const std::uint64_t request = stream.request_catch_up();
    pump.wake();
    CapturedStream::Lock lock(stream.mutex());
    while (!stream.is_caught_up(lock, request)) stream.wait_changed(linux_sys(), lock, TimePoint::max());
  }
  void end() {
    out.reset();
    EXPECT_TRUE(drain_output(linux_sys(), pump, TimePoint::max()).complete());
    pump.stop();
  }

  OutputPump pump;
  UniqueFd out;
  std::vector<std::string> lines;  // written by the pump's thread until end()
};

// The next line is whole only if the skipped bytes ended with a newline.
TEST(BytesBeyondTheLimit, EndALineOrDoNotForWhoeverComesLater) {
  for (const bool ends_line : {true, false}) {
    DiscardingPump discarding;
    const std::string skipped = text_in_lines(60'000) + (ends_line ? "\n" : "");
    write_to(discarding.out, skipped);
    wait_for_bytes(discarding.pump, skipped.size());
    discarding.subscribe();
    write_to(discarding.out, "next\nlast\n");
    discarding.end();
    EXPECT_EQ(discarding.lines,
              ends_line ? (std::vector<std::string>{"next", "last"}) : (std::vector<std::string>{"last"}));
  }
}

// The single write is large enough to be skipped if there were no subscriber.
TEST(BytesBeyondTheLimit, AreReadForWhoeverWantsTheLines) {
  DiscardingPump discarding;
  discarding.subscribe();
  write_to(discarding.out, text_in_lines(60'000));
  discarding.end();
  EXPECT_EQ(discarding.lines.size(), 600u);
}

// Returns the wait status of a process that a filter kills if it skips bytes while `text` comes.
int end_without_skipping(const std::string& text, std::uint64_t limit, bool subscribed = false) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    test_support::refuse_system_calls({{SYS_splice, test_support::RefusedCall::kKills}});
    {
      DiscardingPump discarding(limit);
      if (subscribed) discarding.subscribe();
      write_to(discarding.out, text);
      discarding.end();
    }
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return status;
}

TEST(BytesBeyondTheLimit, AreSkippedOnlyWhereManyComeAtOnceAndNothingIsKeptAndNobodyWantsThem) {
  const std::string many = text_in_lines(32 * 1024);
  EXPECT_EQ(WTERMSIG(end_without_skipping(many, 0)), SIGSYS);
  EXPECT_EQ(end_without_skipping(many.substr(1), 0), 0);
  EXPECT_EQ(end_without_skipping(many, 1), 0);
  EXPECT_EQ(end_without_skipping(many, 0, /*subscribed=*/true), 0);
}

int capacity_of(const OutputPump& pump) { return ::fcntl(pump.find(kStdout)->fd(), F_GETPIPE_SZ); }

std::vector<int> capacities(int count) {
  std::vector<std::unique_ptr<BothStreams>> pumps;
  std::vector<int> found;
  for (int i = 0; i < count; ++i) {
    pumps.push_back(std::make_unique<BothStreams>());
    found.push_back(capacity_of(pumps.back()->pump));
  }
  return found;
}

TEST(CapturePipe, IsRaisedForSoManyAtOnceAndNoMore) {
  for (int round = 0; round < 2; ++round) {  // the second round reuses what the first has raised
    const std::vector<int> found = capacities(CaptureReadEnd::kMostRaised / 2 + 2);
    if (found[0] != CaptureReadEnd::kCapacity) GTEST_SKIP() << "pipes cannot be raised here";
    for (int i = 0; i < CaptureReadEnd::kMostRaised / 2; ++i) {
      EXPECT_EQ(found[static_cast<std::size_t>(i)], CaptureReadEnd::kCapacity) << i;
    }
    EXPECT_LT(found.back(), CaptureReadEnd::kCapacity);
  }
}

TEST(CapturePipe, IsAsItIsWhereItCannotBeRaised) {
  test_support::run_isolated([] {
    test_support::refuse_system_calls(
        {{SYS_fcntl, EPERM, test_support::RefusedCall::When::kArgumentIs, F_SETPIPE_SZ, 1}});
    BothStreams both;
    EXPECT_LT(capacity_of(both.pump), CaptureReadEnd::kCapacity);
    ASSERT_EQ(both.pump.start(), 0);
    write_to(both.out, "out");
    both.out.reset();
    both.error.reset();
    EXPECT_TRUE(both.drain().complete());
    EXPECT_EQ(both.text(kStdout), "out");
  });
}

TEST(CapturePipe, DoesNotBlockAtTheEndThatIsReadOnly) {
  const BothStreams both;
  const int read_end = both.pump.find(kStdout)->fd();
  EXPECT_NE(::fcntl(read_end, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(both.out.get(), F_GETFL) & O_NONBLOCK, 0) << "it is the child's";
  EXPECT_EQ(::fcntl(read_end, F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(::fcntl(both.out.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_GT(read_end, 2);
}

}  // namespace
}  // namespace warden::internal
