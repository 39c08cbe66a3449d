// Captured output: what the library keeps of it and reports about it.
#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/output_helpers.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

constexpr OutputStream kStdout = OutputStream::kStdout;
constexpr OutputStream kStderr = OutputStream::kStderr;

Child spawn(const Command& command) { return Child::spawn(command).value(); }

TEST(Capture, HasTheBytesOfEachStream) {
  Child child = spawn(captured_shell("printf 'out\\nraw'; printf 'err\\nraw' >&2"));
  EXPECT_EQ(finished_output(child).text(), "out\nraw");
  const Output error = finished_output(child, kStderr);
  EXPECT_EQ(error.text(), "err\nraw");
  EXPECT_EQ(error.size(), 7u);
  EXPECT_EQ(error.total_bytes(), 7u);
  EXPECT_TRUE(error.complete());
  EXPECT_FALSE(error.truncated());
  EXPECT_FALSE(error.read_error());
}

TEST(Capture, KeepsBytesThatAreNoText) {
  Child child = spawn(captured_shell("printf 'a\\000b\\377\\376\\r\\n'"));
  EXPECT_EQ(finished_output(child).text(), std::string("a\0b\xff\xfe\r\n", 7));
}

TEST(Capture, OfNothingIsEmptyAndComplete) {
  Child child = spawn(captured_shell("exit 0"));
  const Output output = finished_output(child);
  EXPECT_EQ(output.text(), "");
  EXPECT_TRUE(output.chunks().empty());
  EXPECT_TRUE(output.complete());
  EXPECT_FALSE(output.truncated());
}

TEST(Capture, MergesStderrInTheOrderInWhichTheChildWrites) {
  Child child =
      spawn(captured_shell("for i in 1 2 3 4 5; do echo out$i; echo err$i >&2; done").stderr_to(Stdio::merge()));
  EXPECT_EQ(finished_output(child).text(), "out1\nerr1\nout2\nerr2\nout3\nerr3\nout4\nerr4\nout5\nerr5\n");
  EXPECT_EQ(child.output(kStderr).error().code, Errc::kNotCaptured);
  EXPECT_EQ(child.drain_output().value().streams.size(), 1u);
}

TEST(Capture, OfOneStreamLeavesTheOtherAlone) {
  AckPipe ack;
  Child child = spawn(captured_shell("echo out; echo err >&2").stderr_to(Stdio::fd(ack.write_fd())));
  EXPECT_EQ(ack.wait_line(), "err");
  EXPECT_EQ(finished_output(child).text(), "out\n");
  EXPECT_EQ(child.output(kStderr).error().code, Errc::kNotCaptured);
  EXPECT_EQ(child.output(kStderr).error().stream, kStderr);
}

TEST(Capture, KeepsTheFirstBytesAndSaysThatSomeAreLost) {
  Command command = captured_shell("printf abcdef; printf xyz >&2");
  command.stdout_to(Stdio::capture(keep_first(3))).stderr_to(Stdio::capture(keep_first(3)));
  Child child = spawn(command);
  const Output output = finished_output(child);
  EXPECT_EQ(output.text(), "abc");
  EXPECT_TRUE(output.truncated());
  EXPECT_EQ(output.total_bytes(), 6u);
  EXPECT_TRUE(output.complete());
  EXPECT_EQ(finished_output(child, kStderr).text(), "xyz");
  EXPECT_FALSE(finished_output(child, kStderr).truncated());
}

TEST(Capture, KeepsTheLastBytesAndSaysThatSomeAreLost) {
  Child child = spawn(captured_shell("printf abcdef").stdout_to(Stdio::capture(keep_last(3))));
  const Output output = finished_output(child);
  EXPECT_EQ(output.text(), "def");
  EXPECT_TRUE(output.truncated());
  EXPECT_EQ(output.total_bytes(), 6u);
}

TEST(Capture, KeepsEverythingWithoutALimit) {
  CaptureOptions options;
  options.limit = CaptureOptions::kUnbounded;
  Child child = spawn(captured_shell("head -c 20000000 /dev/zero").stdout_to(Stdio::capture(options)));
  const Output output = finished_output(child);
  EXPECT_EQ(output.size(), 20'000'000u);
  EXPECT_FALSE(output.truncated());
  EXPECT_TRUE(output.text() == std::string(20'000'000, '\0'));
}

TEST(Capture, KeepsEightMebibytesUnlessToldOtherwise) {
  Child child = spawn(captured_shell("head -c 20000000 /dev/zero"));
  const Output output = finished_output(child);
  EXPECT_EQ(output.size(), 8u * 1024 * 1024);
  EXPECT_EQ(output.total_bytes(), 20'000'000u);
  EXPECT_TRUE(output.truncated());
}

// Without a reader the child would block for ever, since its output does not fit into a pipe.
TEST(Capture, NeverHoldsTheChildBackThoughNobodyLooks) {
  Command command = captured_shell("head -c 10000000 /dev/zero; head -c 10000000 /dev/zero >&2; exit 4");
  command.stdout_to(Stdio::capture(keep_first(0))).stderr_to(Stdio::capture(keep_last(0)));
  Child child = spawn(command);
  EXPECT_EQ(child.wait().value(), ExitStatus::exited(4));
  EXPECT_EQ(finished_output(child).total_bytes(), 10'000'000u);
  EXPECT_EQ(finished_output(child, kStderr).total_bytes(), 10'000'000u);
  EXPECT_EQ(child.output(kStdout).value().size(), 0u);
}

TEST(Capture, HasTheEndOfWhatItHasNotKept) {
  std::string all;
  for (int i = 1; i <= 1'000'000; ++i) all += std::to_string(i) + "\n";
  for (const std::uint64_t limit : {0u, 1'000'000u}) {
    Child child = spawn(captured_shell("seq 1000000").stdout_to(Stdio::capture(keep_first(limit))));
    const Output output = finished_output(child);
    EXPECT_EQ(output.total_bytes(), all.size());
    EXPECT_TRUE(output.text() == all.substr(0, limit));
    EXPECT_GE(output.tail().size(), 4096u);
    EXPECT_TRUE(output.tail() == all.substr(all.size() - output.tail().size()));
  }
}

TEST(Capture, GivesSnapshotsThatStayAsTheyWere) {
  Output early;
  {
    Child child = spawn(captured_shell("echo one; read line; echo two").stdin_from(Stdio::pipe()));
    ASSERT_TRUE(child.wait_for_line(kStdout, "one", kBound).value().matched());
    early = child.output(kStdout).value();
    EXPECT_FALSE(early.complete());
    send_line(child);
    EXPECT_EQ(finished_output(child).text(), "one\ntwo\n");
  }
  EXPECT_EQ(early.text(), "one\n");
  ASSERT_EQ(early.chunks().size(), 1u);
  EXPECT_EQ(early.chunks()[0], "one\n");
}

TEST(Capture, MovesWithTheHandle) {
  Child first = spawn(captured_shell("echo text"));
  Child second = std::move(first);
  EXPECT_EQ(first.output(kStdout).error().code, Errc::kEmptyHandle);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(first.drain_output().error().code, Errc::kEmptyHandle);
  EXPECT_EQ(first.on_line(kStdout, [](const Line&) {}).error().code, Errc::kEmptyHandle);
  EXPECT_EQ(first.wait_for_line(kStdout, "text", kBound).error().code, Errc::kEmptyHandle);
  EXPECT_EQ(finished_output(second).text(), "text\n");
}

TEST(Capture, OfNoStreamHasNoOutput) {
  Child child = spawn(test_command({"exit", "0"}));
  EXPECT_EQ(child.output(kStdout).error().code, Errc::kNotCaptured);
  EXPECT_EQ(child.on_line(kStdout, [](const Line&) {}).error().code, Errc::kNotCaptured);
  EXPECT_EQ(child.wait_for_line(kStdout, "text", kBound).error().code, Errc::kNotCaptured);
  EXPECT_TRUE(child.drain_output().value().streams.empty());
  EXPECT_TRUE(child.drain_output().value().complete());
  EXPECT_TRUE(child.wait().value().success());
}

TEST(Capture, WorksWithDeathWithTheParent) {
  Child child = spawn(captured_shell("echo text").die_with_parent(true));
  EXPECT_EQ(finished_output(child).text(), "text\n");
}

TEST(Capture, OfAChildThatIsKilledHasWhatItWrote) {
  Child child = spawn(captured_shell("echo ready; exec sleep 600"));
  ASSERT_TRUE(child.wait_for_line(kStdout, "ready", kBound).value().matched());
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  EXPECT_EQ(finished_output(child).text(), "ready\n");
}

TEST(Capture, StandsInAnyClosedStandardStreamOfTheParent) {
  for (const int closed : {0, 1, 2}) {
    run_isolated_unchecked([closed] {
      ASSERT_EQ(::close(closed), 0);
      Child child = spawn(captured_shell("echo out; echo err >&2"));
      const std::string out = finished_output(child).text();
      const std::string error = finished_output(child, kStderr).text();
      ASSERT_EQ(::open("/dev/null", O_RDWR), closed) << "nobody took the number";
      EXPECT_EQ(out, "out\n");
      EXPECT_EQ(error, "err\n");
    });
  }
}

TEST(CaptureOfManyChildren, EndsWithThem) {
  std::vector<Child> children;
  for (int i = 0; i < 100; ++i) children.push_back(spawn(captured_command({"write", std::to_string(i)})));
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(finished_output(children[static_cast<std::size_t>(i)]).text(), std::to_string(i));
}

TEST(Merge, FollowsStdoutWhereverThatLeads) {
  const std::string path = ::testing::TempDir() + "/merged";
  Command command("/bin/sh");
  command.args({"-c", "echo out; echo err >&2; echo out"}).stdout_to(Stdio::file(path)).stderr_to(Stdio::merge());
  EXPECT_TRUE(spawn(command).wait().value().success());
  Child reader = spawn(captured_shell("cat " + path));
  EXPECT_EQ(finished_output(reader).text(), "out\nerr\nout\n");
  AckPipe ack;
  EXPECT_TRUE(spawn(command.stdout_to(Stdio::fd(ack.write_fd()))).wait().value().success());
  EXPECT_EQ(ack.wait_line(), "out");
  EXPECT_EQ(ack.wait_line(), "err");
  EXPECT_TRUE(spawn(command.stdout_to(Stdio::null())).wait().value().success());
}

}  // namespace
}  // namespace warden::test_support
