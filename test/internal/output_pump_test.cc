// The thread that reads captured streams, on pipes without a child.
#include "lib/internal/output_pump.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/internal/drain_output.h"
#include "lib/internal/sys.h"
#include "test/support/isolated.h"
#include "test/support/process_snapshot.h"
#include "test/support/seccomp_filter.h"

namespace warden::internal {
namespace {

constexpr OutputStream kStdout = OutputStream::kStdout;
constexpr OutputStream kStderr = OutputStream::kStderr;

// A pump of both streams, and the ends that a child would have.
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

// A write-only descriptor in place of the one that is read.
void spoil(OutputPump& pump, OutputStream stream) {
  const UniqueFd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  ASSERT_GE(::dup3(null.get(), pump.find(stream)->fd(), O_CLOEXEC), 0);
}

TEST(OutputPump, KeepsTheErrorOfAStreamThatCannotBeReadAndReadsTheOther) {
  BothStreams both;
  spoil(both.pump, kStdout);
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

// By a host that closes what it does not know.
TEST(OutputPump, GoesOnServingWithoutTheDescriptorThatWakesIt) {
  BothStreams both;
  const auto before = testing::ProcessSnapshot::take().descriptors;
  ASSERT_EQ(both.pump.start(), 0);
  for (const auto& [fd, file] : testing::ProcessSnapshot::take().descriptors) {
    if (before.count(fd) == 0) {
      EXPECT_THAT(file, ::testing::HasSubstr("eventfd"));
      both.drain(TimePoint::min());  // the pump waits for it
      ::close(fd);
    }
  }
  both.out.reset();  // which wakes it
  write_to(both.error, "err");
  both.error.reset();
  EXPECT_TRUE(both.drain().complete());
  EXPECT_EQ(both.text(kStderr), "err");
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
  for (int round = 0; round < 2; ++round) {  // what the first has raised is free again for the second
    const std::vector<int> found = capacities(CaptureReadEnd::kMostRaised / 2 + 2);
    if (found[0] != CaptureReadEnd::kCapacity) GTEST_SKIP() << "pipes cannot be raised here";
    for (int i = 0; i < CaptureReadEnd::kMostRaised / 2; ++i) {
      EXPECT_EQ(found[static_cast<std::size_t>(i)], CaptureReadEnd::kCapacity) << i;
    }
    EXPECT_LT(found.back(), CaptureReadEnd::kCapacity);
  }
}

TEST(CapturePipe, IsAsItIsWhereItCannotBeRaised) {
  testing::run_isolated([] {
    testing::refuse_system_calls({{SYS_fcntl, EPERM, testing::RefusedCall::When::kArgumentIs, F_SETPIPE_SZ, 1}});
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
