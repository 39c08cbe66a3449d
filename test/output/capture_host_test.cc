// Captured output in hosts that fork, cancel threads, run out of descriptors or memory, or have very many children.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/cancellable_thread.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/output_helpers.h"
#include "test/support/process_snapshot.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

constexpr OutputStream kStdout = OutputStream::kStdout;

Child spawn(const Command& command) { return Child::spawn(command).value(); }

TEST(CaptureInAForkedCopy, IsRefusedAndTheOwnersGoesOn) {
  LineBox box;
  Child child = spawn(captured_shell("echo one; read line; echo two").stdin_from(Stdio::pipe()));
  ASSERT_TRUE(child.on_line(kStdout, box.callback()).has_value());
  ASSERT_TRUE(child.wait_for_line(kStdout, "one", kBound).value().matched());
  run_isolated_unchecked([&child] {
    EXPECT_EQ(child.output(kStdout).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.on_line(kStdout, [](const Line&) {}).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.wait_for_line(kStdout, "one", kBound).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.wait_for_text(kStdout, "one", kBound).error().code, Errc::kNotOwner);
    EXPECT_EQ(child.drain_output().error().code, Errc::kNotOwner);
  });
  send_line(child);
  EXPECT_EQ(finished_output(child).text(), "one\ntwo\n");
  EXPECT_THAT(box.lines(), ::testing::ElementsAre("one", "two"));
}

// Destroying the handle in a forked copy closes that many descriptors; the owner's child runs on.
void expect_closed_in_forked_copy(const Command& command, std::size_t count) {
  auto child = std::make_unique<Child>(spawn(command));
  run_isolated_unchecked([&child, count] {
    const std::size_t before = ProcessSnapshot::take().descriptors.size();
    child.reset();
    EXPECT_EQ(before - ProcessSnapshot::take().descriptors.size(), count);
  });
  EXPECT_EQ(child->state().kind, ProcessState::Kind::kRunning);
  EXPECT_TRUE(child->kill().has_value());
}

TEST(CaptureInAForkedCopy, IsDestroyedInSilenceAndClosesItsDescriptors) {
  const Command command = captured_shell("echo one; exec sleep 600");
  expect_closed_in_forked_copy(command, 4);  // the pidfd, two pipes and the pump's event
  Command discarding = command;
  discarding.stdout_to(Stdio::capture(keep_first(0)));
  expect_closed_in_forked_copy(discarding, 5);  // and the open null device
}

TEST(CaptureAndCancellation, AWaitForALineComesToItsEnd) {
  Child child = spawn(captured_shell("read line; echo text").stdin_from(Stdio::pipe()));
  CancellableThread thread(
      [&child] { EXPECT_TRUE(child.wait_for_line(kStdout, "text", absl::InfiniteDuration()).value().matched()); });
  thread.cancel();
  send_line(child);
  EXPECT_TRUE(thread.join());
  finished_output(child);
}

TEST(CaptureAndCancellation, EveryCallComesToItsEnd) {
  expect_to_complete([] {
    Child child = spawn(captured_shell("echo text"));
    EXPECT_TRUE(child.on_line(kStdout, [](const Line&) {}).has_value());
    EXPECT_TRUE(child.wait_for_line(kStdout, "text", kBound).value().matched());
    EXPECT_TRUE(child.wait().value().success());
    EXPECT_TRUE(child.drain_output(kBound).value().complete());
    EXPECT_EQ(child.output(kStdout).value().text(), "text\n");
  });
}

// Spawns with room for that many more descriptors.
void spawn_with_room_for(unsigned room, bool* spawned) {
  struct rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int used = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(used, 0);
  ASSERT_EQ(::close(used), 0);
  const struct rlimit limit = {static_cast<rlim_t>(used) + room, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  Result<Child, SpawnError> child = Child::spawn(captured_shell("echo text"));
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);  // the sanitizers' own checks need a descriptor
  *spawned = child.has_value();
  if (*spawned) {
    EXPECT_EQ(finished_output(child.value()).text(), "text\n");
  } else {
    const SpawnError::Step step = child.error().step;
    EXPECT_TRUE(step == SpawnError::Step::kCreatePipe || step == SpawnError::Step::kCreateReader) << child.error();
    EXPECT_EQ(child.error().code, std::error_code(EMFILE, std::generic_category()));
  }
}

// poll(2) refuses more descriptors than the limit, even if all are open.
TEST(CaptureWithFewDescriptors, ReadsOnThoughTheLimitIsBelowTheNumberOfItsOwn) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UndefinedBehaviorSanitizer makes a pipe when it sees an object of some type for the first time";
#endif
  run_isolated([] {
    Child child = Child::spawn(captured_shell("read line; seq 100000; echo end >&2").stdin_from(Stdio::pipe())).value();
    struct rlimit before = {};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    const struct rlimit limit = {1, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_TRUE(child.write_stdin("go\n", kBound).has_value());
    EXPECT_TRUE(child.wait_for_line(kStdout, "100000", kBound).value().matched());
    EXPECT_TRUE(child.wait().value().success());
    EXPECT_TRUE(child.drain_output(kBound).value().complete());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);  // the sanitizers' own checks need a descriptor
    EXPECT_EQ(child.output(kStdout).value().total_bytes(), 588895u);
  });
}

TEST(CaptureWithFewDescriptors, EitherWorksOrIsAnErrorThatLeavesNothing) {
  run_isolated([] {
    bool spawned = false;
    unsigned room = 0;
    for (; room < 20 && !spawned; ++room) {
      check_leaves_nothing([&] { spawn_with_room_for(room, &spawned); });
    }
    EXPECT_TRUE(spawned);
    EXPECT_GT(room, 4u);
  });
}

TEST(CaptureOfAThousandChildren, EndsWithThem) {
  for (int wave = 0; wave < 4; ++wave) {
    std::vector<Child> children;
    for (int i = 0; i < 250; ++i) children.push_back(spawn(captured_command({"write", std::to_string(i)})));
    for (int i = 0; i < 250; ++i) {
      EXPECT_EQ(finished_output(children[static_cast<std::size_t>(i)]).text(), std::to_string(i));
    }
  }
}

TEST(CaptureOfAThousandChildren, EndsWithHandlesThatAreDestroyedWhileTheirChildrenWrite) {
  for (int wave = 0; wave < 4; ++wave) {
    std::vector<Child> children;
    for (int i = 0; i < 25; ++i) {
      children.push_back(spawn(captured_shell("exec yes")));
      ASSERT_TRUE(children.back().terminate_on_destruction(TerminationPolicy::immediate()).has_value());
    }
    ASSERT_TRUE(children.front().wait_for_line(kStdout, "y", kBound).value().matched());
  }
}

long peak_memory_kib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    long kib = 0;
    if (::sscanf(line.c_str(), "VmHWM: %ld kB", &kib) == 1) return kib;
  }
  return -1;
}

TEST(CaptureOfVeryMuch, CostsTheLimitAndNotTheOutput) {
  run_isolated([] {
    const long before = peak_memory_kib();
    ASSERT_GT(before, 0);
    Child first = spawn(captured_shell("head -c 400000000 /dev/zero"));
    Child last = spawn(captured_shell("head -c 400000000 /dev/zero").stdout_to(Stdio::capture(keep_last(1 << 20))));
    EXPECT_EQ(finished_output(first).total_bytes(), 400'000'000u);
    EXPECT_EQ(finished_output(last).size(), 1u << 20);
    EXPECT_LT(peak_memory_kib() - before, 100'000);
  });
}

// The child's stream is an ordinary pipe: it blocks.
TEST(CapturedStream, BlocksInTheChild) {
  Child child = spawn(captured_shell("grep flags /proc/self/fdinfo/1"));
  const std::string flags = finished_output(child).text();
  EXPECT_EQ(std::stoi(flags.substr(flags.find(':') + 1), nullptr, 8) & (O_NONBLOCK | O_ACCMODE), O_WRONLY) << flags;
}

TEST(CapturedStream, AddsDescriptorsThatNoOtherProgramGets) {
  const auto before = ProcessSnapshot::take().descriptors;
  Child child = spawn(captured_shell("exec sleep 600"));
  const auto after = ProcessSnapshot::take().descriptors;
  EXPECT_EQ(after.size(), before.size() + 4) << "a pidfd, two pipes and the pump's event";
  for (const auto& [fd, file] : after) {
    if (before.count(fd) != 0) continue;
    EXPECT_GT(fd, 2) << file;
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC) << file;
  }
  EXPECT_TRUE(child.kill().has_value());
}

}  // namespace
}  // namespace warden::test_support
