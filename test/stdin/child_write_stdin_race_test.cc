// Child::write_stdin while another thread closes the pipe, ends the child, or writes, too.
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/cancellable_thread.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/scarce_descriptors.h"
#include "test/support/seccomp_filter.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using Kind = StdinError::Kind;
using ::testing::AnyOf;

const absl::Duration kForEver = absl::InfiniteDuration();

Child spawn_with_pipe(const AckPipe& ack, const std::vector<std::string>& mode) {
  return Child::spawn(test_command(ack, mode).stdin_from(Stdio::pipe())).value();
}

int unread_bytes(int fd) {
  int unread = 0;
  return ::ioctl(fd, FIONREAD, &unread) == 0 ? unread : -1;
}

// Waits until the pipe is full: then the writer waits, or is about to. The kernel sends no event for that.
void wait_until_full(int fd) {
  const int capacity = ::fcntl(fd, F_GETPIPE_SZ);
  const auto give_up = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kBound);
  while (unread_bytes(fd) < capacity && std::chrono::steady_clock::now() < give_up) ::sched_yield();
  ASSERT_EQ(unread_bytes(fd), capacity);
}

// Writes more than the pipe holds in a thread, and runs `meanwhile` when the write blocks. Returns why it ended early.
Kind kind_of_write_during(Child& child, const std::function<void()>& meanwhile) {
  StdinError error;
  std::thread writer([&] { error = child.write_stdin(std::string(1 << 20, 'x'), kForEver).error(); });
  wait_until_full(child.stdin_fd());
  meanwhile();
  writer.join();
  return error.kind;
}

TEST(WriteStdinRace, CloseStdinEndsTheWriteAndTheDescriptorGoesWithIt) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"sleep"});
  const int fd = child.stdin_fd();
  EXPECT_EQ(kind_of_write_during(child, [&] { child.close_stdin(); }), Kind::kClosed);
  EXPECT_EQ(child.stdin_fd(), -1);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
  EXPECT_TRUE(child.kill().has_value());
}

TEST(WriteStdinRace, WaitAndEveryWayToEndTheChildEndTheWrite) {
  const TerminationPolicy service = TerminationPolicy::service(kBound);
  const std::function<void(Child&)> ends[] = {
      [](Child& child) { EXPECT_TRUE(child.kill().has_value()); },
      [&](Child& child) { EXPECT_TRUE(child.terminate(service).has_value()); },
      [](Child& child) { EXPECT_TRUE(child.terminate(kBound, kBound).has_value()); },
      [&](Child& child) { EXPECT_TRUE(child.wait_or_terminate(absl::ZeroDuration(), service).has_value()); },
      [](Child& child) { EXPECT_TRUE(child.send_signal(Signal::kill()).has_value()); },
      [](Child& child) { EXPECT_TRUE(Pidfd(child.pid()).send(SIGKILL)); },
  };
  for (const auto& end : ends) {
    AckPipe ack;
    Child child = spawn_with_pipe(ack, {"sleep"});
    ASSERT_TRUE(ack.wait_for("ready"));
    EXPECT_THAT(kind_of_write_during(child, [&] { end(child); }),
                AnyOf(Kind::kClosed, Kind::kNoReader, Kind::kChildEnded));
    EXPECT_TRUE(child.wait().has_value());
  }
}

// The stopped child reads nothing and does not end: only the wait can end the write.
TEST(WriteStdinRace, AWaitInAnotherThreadEndsTheWrite) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"stop", "read", "exit", "6"});
  ASSERT_TRUE(wait_stopped(child.pid()));
  std::thread waiter;
  EXPECT_EQ(kind_of_write_during(
                child, [&] { waiter = std::thread([&] { EXPECT_EQ(child.wait().value(), ExitStatus::exited(6)); }); }),
            Kind::kClosed);
  EXPECT_TRUE(child.send_signal(Signal::continue_process()).has_value());
  waiter.join();
}

// A descriptor that is closed during the write could be reused by any other thread.
TEST(WriteStdinRace, NothingIsEverWrittenToADescriptorThatGotTheNumberOfTheClosedOne) {
  const std::string text(1 << 20, 'x');
  for (int round = 0; round < 100; ++round) {
    AckPipe ack;
    Child child = spawn_with_pipe(ack, {"read"});
    std::atomic<int> writes{0};
    std::thread writer([&] {
      while (child.write_stdin(text, kForEver).has_value()) ++writes;
    });
    while (writes < 2) ::sched_yield();
    child.close_stdin();
    int others[8];
    for (int i = 0; i < 8; i += 2) ASSERT_EQ(::pipe2(others + i, O_CLOEXEC), 0);
    writer.join();
    for (int i = 0; i < 8; i += 2) EXPECT_EQ(unread_bytes(others[i]), 0);
    for (const int fd : others) ::close(fd);
    EXPECT_TRUE(child.wait().value().success());
  }
}

TEST(WriteStdinRace, WhatTwoThreadsWriteIsNotMixed) {
  AckPipe ack;
  Command command("sh");
  command.args({"-c", "exec uniq -c"});
  const std::string path = ::testing::TempDir() + "write_stdin_race_" + std::to_string(::getpid());
  Child child = Child::spawn(command.stdin_from(Stdio::pipe()).stdout_to(Stdio::file(path))).value();
  std::vector<std::thread> writers;
  std::atomic<int> ready{0};
  for (const char* const line : {"a\n", "b\n"}) {
    writers.emplace_back([&child, &ready, line] {
      std::string text;
      for (int i = 0; i < 500'000; ++i) text += line;
      for (++ready; ready < 2;) ::sched_yield();
      EXPECT_TRUE(child.write_stdin(text, kBound).has_value());
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_TRUE(child.wait().value().success());
  std::ifstream file(path);
  int runs = 0;
  for (std::string line; std::getline(file, line); ++runs) EXPECT_NE(line.find(" 500000 "), std::string::npos) << line;
  EXPECT_EQ(runs, 2);
  ::unlink(path.c_str());
}

TEST(WriteStdinRace, ACancelledThreadCompletesTheWrite) {
  expect_to_complete([] {});
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"sleep"});
  Kind kind = Kind::kRefused;
  CancellableThread thread([&] { kind = child.write_stdin(std::string(1 << 20, 'x'), kForEver).error().kind; });
  wait_until_full(child.stdin_fd());
  thread.cancel();
  EXPECT_FALSE(thread.completed());
  child.close_stdin();
  EXPECT_TRUE(thread.join());
  EXPECT_TRUE(thread.completed());
  EXPECT_EQ(kind, Kind::kClosed);
  EXPECT_TRUE(child.kill().has_value());
}

// The writer gets no event then, and looks again from time to time.
TEST(WriteStdinRace, WithAFullDescriptorTableAWriteEndsAllTheSame) {
  run_isolated([] {
    AckPipe ack;
    Child child = spawn_with_pipe(ack, {"sleep"});
    {
      const ScarceDescriptors none(0);
      EXPECT_EQ(kind_of_write_during(child, [&] { child.close_stdin(); }), Kind::kClosed);
    }
    EXPECT_TRUE(child.kill().has_value());
  });
}

// The reaper has a private descriptor table then, and cannot signal the writer's event.
TEST(WriteStdinRace, AWriteEndsWithAChildThatGotNoPidfdThoughADescendantHoldsThePipe) {
  run_isolated([] {
    ASSERT_TRUE(refuse_system_calls({refused_pidfd_clone(EMFILE)}));
    AckPipe ack;
    Child child = spawn_with_pipe(ack, {"fork", "hold-open", "--", "handle", "TERM", "4"});
    wait_forked(ack, {"child holding", "ready"});
    EXPECT_EQ(kind_of_write_during(child, [&] { EXPECT_TRUE(Pidfd(child.pid()).send(SIGTERM)); }), Kind::kChildEnded);
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(4));
    EXPECT_TRUE(child.kill().has_value());
  });
}

// The forked copy's descriptor would keep the pipe open for the child, though the thread that uses it does not exist in
// the copy.
TEST(WriteStdinRace, AForkedCopyOfTheHandleClosesItsCopyOfThePipe) {
  AckPipe ack;
  Child child = spawn_with_pipe(ack, {"sleep"});
  const int fd = child.stdin_fd();
  EXPECT_EQ(kind_of_write_during(child,
                                 [&] {
                                   run_isolated_unchecked([&] {
                                     { const Child copy = std::move(child); }
                                     EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
                                   });
                                   child.close_stdin();
                                 }),
            Kind::kClosed);
  EXPECT_TRUE(child.kill().has_value());
}

}  // namespace
}  // namespace warden::test_support
