// Writes to a stdin pipe: their timeout, and what ends them early.
#include "lib/stdin/write_stdin.h"

#include <errno.h>

#include "lib/os/deadline.h"
#include "test/fake/simulated_child.h"

namespace warden::internal {
namespace {

using Kind = StdinError::Kind;
using Written = Result<void, StdinError>;

constexpr std::string_view kText("0123456789", 10);

class WriteStdinTest : public SimulatedChild {
 protected:
  void SetUp() override {
    begin();
    open_stdin();
  }

  Written write(std::string_view text, absl::Duration timeout) {
    Lock lock(child_);
    return write_stdin(child_, lock, text, deadline_after(sys_.now(), timeout));
  }
  // The outcome as "timed_out 3".
  std::string outcome(std::string_view text, absl::Duration timeout) {
    const Written written = write(text, timeout);
    if (written.has_value()) return "all";
    return std::string(to_string(written.error().kind)) + " " + std::to_string(written.error().written);
  }
  void close() {
    Lock lock(child_);
    child_.close_stdin(lock);
  }
  std::size_t writes() { return sys_.count(FakeSys::Call::kWritePipe); }
};

TEST_F(WriteStdinTest, WritesAllAtOnceWhereItFits) {
  sys_.pipe_room = 100;
  EXPECT_EQ(outcome(kText, kZero), "all");
  EXPECT_EQ(sys_.piped, kText);
  EXPECT_EQ(writes(), 1u);
  EXPECT_EQ(sys_.count(FakeSys::Call::kPoll), 0u);
}

TEST_F(WriteStdinTest, GoesOnWheneverThereIsRoom) {
  for (const int at : {1, 2, 3, 4}) {
    sys_.at(seconds(at), [this] { sys_.pipe_room = 3; });
  }
  EXPECT_EQ(outcome(kText, seconds(60)), "all");
  EXPECT_EQ(sys_.piped, kText);
  EXPECT_EQ(sys_.elapsed(), seconds(4));
  EXPECT_LE(writes(), 10u);
}

TEST_F(WriteStdinTest, EndsAtTheDeadlineAndSaysHowMuchWent) {
  sys_.pipe_room = 3;
  const Written written = write(kText, seconds(2));
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().kind, Kind::kTimedOut);
  EXPECT_EQ(written.error().code, std::errc::timed_out);
  EXPECT_EQ(written.error().written, 3u);
  EXPECT_EQ(written.error().process_name, "victim");
  EXPECT_EQ(sys_.elapsed(), seconds(2));
  EXPECT_EQ(sys_.piped, "012");
  EXPECT_TRUE(stdin_is_open());
  EXPECT_FALSE(is_end_seen());
}

TEST_F(WriteStdinTest, ZeroWritesWhatFitsAndDoesNotWait) {
  sys_.pipe_room = 4;
  EXPECT_EQ(outcome(kText, kZero), "timed_out 4");
  EXPECT_EQ(outcome(kText, kZero), "timed_out 0");
  EXPECT_EQ(sys_.elapsed(), kZero);
}

// A reader that always reads a little must not keep the writer beyond its deadline.
TEST_F(WriteStdinTest, EndsAtTheDeadlineThoughThereIsAlwaysRoom) {
  sys_.pipe_room = 1;
  std::function<void()> read_one = [&] {
    sys_.advance_clock(seconds(1));
    sys_.pipe_room = 1;
    sys_.during_next_write = read_one;
  };
  sys_.during_next_write = read_one;
  EXPECT_EQ(outcome(kText, seconds(3)), "timed_out 3");
}

TEST_F(WriteStdinTest, NothingIsWrittenWithoutAByteButThePipeIsChecked) {
  EXPECT_EQ(outcome("", kZero), "all");
  EXPECT_EQ(writes(), 0u);
  close();
  EXPECT_EQ(outcome("", kZero), "closed 0");
}

TEST_F(WriteStdinTest, EndsWhenTheReaderCloses) {
  sys_.pipe_room = 3;
  sys_.at(seconds(1), [this] { sys_.pipe_has_reader = false; });
  const Written written = write(kText, seconds(60));
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().kind, Kind::kNoReader);
  EXPECT_EQ(written.error().code, std::errc::broken_pipe);
  EXPECT_EQ(written.error().written, 3u);
  EXPECT_EQ(sys_.elapsed(), seconds(1));
}

TEST_F(WriteStdinTest, EndsWhenTheChildDoesThoughTheReaderStays) {
  sys_.pipe_room = 3;
  sys_.at(seconds(1), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); });
  EXPECT_EQ(outcome(kText, seconds(60)), "child_ended 3");
  EXPECT_EQ(sys_.elapsed(), seconds(1));
  sys_.pipe_room = 100;
  EXPECT_EQ(outcome(kText, seconds(60)), "child_ended 0");
  EXPECT_EQ(sys_.piped, "012");
}

TEST_F(WriteStdinTest, EndsWhenThePipeIsClosedAndLetsGoOfTheDescriptorOnlyThen) {
  sys_.pipe_room = 3;
  sys_.at(seconds(1), [this] {
    close();
    EXPECT_TRUE(stdin_is_open()) << "the number that is being polled was given away";
  });
  const Written written = write(kText, seconds(60));
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().kind, Kind::kClosed);
  EXPECT_EQ(written.error().code, std::errc::bad_file_descriptor);
  EXPECT_EQ(written.error().written, 3u);
  EXPECT_EQ(sys_.elapsed(), seconds(1));
  EXPECT_FALSE(stdin_is_open());
}

// The pipe is closed before the wait begins, so the wait would miss the change.
TEST_F(WriteStdinTest, EndsWhenThePipeIsClosedDuringTheWriteItself) {
  sys_.during_next_write = [this] { close(); };
  EXPECT_EQ(outcome(kText, seconds(60)), "closed 0");
  EXPECT_EQ(sys_.elapsed(), kZero);
  EXPECT_FALSE(stdin_is_open());
}

TEST_F(WriteStdinTest, EndsWhenTheChildEndsDuringTheWriteItself) {
  sys_.during_next_write = [this] {
    sys_.exit(sys_.leader(), ExitStatus::exited(0));
    Lock lock(child_);
    child_.leader().look(lock);
  };
  EXPECT_EQ(outcome(kText, seconds(60)), "child_ended 0");
  EXPECT_EQ(sys_.elapsed(), kZero);
}

TEST_F(WriteStdinTest, EverythingThatWentIsASuccessWhateverHappenedMeanwhile) {
  sys_.pipe_room = 100;
  sys_.during_next_write = [this] {
    close();
    sys_.advance_clock(seconds(9));
  };
  EXPECT_EQ(outcome(kText, seconds(1)), "all");
  EXPECT_FALSE(stdin_is_open());
}

TEST_F(WriteStdinTest, AnotherErrorIsReportedAsItIs) {
  sys_.fail_next(FakeSys::Call::kWritePipe, EIO);
  const Written written = write(kText, seconds(1));
  ASSERT_TRUE(written.has_error());
  EXPECT_EQ(written.error().kind, Kind::kFailed);
  EXPECT_EQ(written.error().code, std::errc::io_error);
}

TEST_F(WriteStdinTest, AClosedPipeTakesNothing) {
  sys_.pipe_room = 100;
  close();
  EXPECT_EQ(outcome(kText, seconds(60)), "closed 0");
  EXPECT_EQ(writes(), 0u);
}

// The writer looks again from time to time.
TEST_F(WriteStdinTest, WithoutAnEventItEndsAllTheSame) {
  sys_.make_event_error = EMFILE;
  sys_.at(seconds(1), [this] { sys_.exit(sys_.leader(), ExitStatus::exited(0)); });
  EXPECT_EQ(outcome(kText, seconds(60)), "child_ended 0");
  EXPECT_LE(sys_.elapsed(), seconds(1) + ms(20));
}

// An event in the first writer's wait plays the second writer.
TEST_F(WriteStdinTest, AnotherWriterWaitsForItsTurnAndNoLongerThanItMay) {
  sys_.at(seconds(1), [this] {
    sys_.pipe_room = 3;  // the first writer's turn
    EXPECT_EQ(outcome("second", kZero), "timed_out 0");
  });
  sys_.at(seconds(2), [this] { sys_.pipe_room = 100; });
  EXPECT_EQ(outcome(kText, seconds(60)), "all");
  EXPECT_EQ(sys_.piped, kText);
  EXPECT_EQ(outcome("second", kZero), "all");
}

TEST_F(WriteStdinTest, AWriterThatWaitsForItsTurnIsToldOfTheClose) {
  sys_.at(seconds(1), [this] {
    sys_.at(seconds(2), [this] { close(); });
    EXPECT_EQ(outcome("second", seconds(60)), "closed 0");
    EXPECT_EQ(sys_.elapsed(), seconds(2));
  });
  EXPECT_EQ(outcome(kText, seconds(60)), "closed 0");
  EXPECT_FALSE(stdin_is_open());
}

TEST_F(WriteStdinTest, KeptOpenItOutlivesTerminate) {
  {
    Lock lock(child_);
    child_.stdin_pipe(lock).stays_open = true;
  }
  sys_.leader().dies_of(SIGINT, ms(5));
  report_of(usual());
  EXPECT_TRUE(stdin_is_open());
}

}  // namespace
}  // namespace warden::internal
