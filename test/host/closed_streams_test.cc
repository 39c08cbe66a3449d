// A host with closed standard streams, in every combination: the library works, and none of its descriptors takes a
// stream's number.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/send_signal.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"
#include "warden/warden.h"

namespace warden::test_support {
namespace {

using ::testing::IsEmpty;
using ::testing::TestPartResult;

constexpr int kSavedAbove = 960;

std::string files_of_streams() { return file_of(0) + " " + file_of(1) + " " + file_of(2); }

// Keeps failures until there is a stream to write them to.
void run_and_keep_failures(const std::function<void()>& body, ::testing::TestPartResultArray* failures) {
  const ::testing::ScopedFakeTestPartResultReporter reporter(
      ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, failures);
  body();
}

void report_failures(const ::testing::TestPartResultArray& failures) {
  for (int i = 0; i < failures.size(); ++i) {
    const TestPartResult& result = failures.GetTestPartResult(i);
    if (result.failed()) ADD_FAILURE_AT(result.file_name(), result.line_number()) << result.message();
  }
}

// The bits of the parameter are the closed streams.
class ClosedStreams : public ::testing::TestWithParam<int> {
 protected:
  static bool is_closed(int stream) { return (GetParam() & (1 << stream)) != 0; }

  // Runs the body with the streams closed. The body leaves nothing behind, and leaves the streams closed.
  static void run(const std::function<void()>& body) {
    run_isolated_unchecked([&body] {
      ::fflush(nullptr);
      int saved[3];
      for (int stream = 0; stream < 3; ++stream) saved[stream] = ::fcntl(stream, F_DUPFD_CLOEXEC, kSavedAbove);
      ::testing::TestPartResultArray failures;
      for (int stream = 0; stream < 3; ++stream) {
        if (is_closed(stream)) ::close(stream);
      }
      run_and_keep_failures([&body] { check_leaves_nothing(body); }, &failures);
      for (int stream = 0; stream < 3; ++stream) ::dup2(saved[stream], stream);
      report_failures(failures);
    });
  }

  // Fails where a file is open under a closed stream's number.
  static void expect_closed(const char* when) {
    for (int stream = 0; stream < 3; ++stream) {
      if (is_closed(stream)) {
        EXPECT_EQ(file_of(stream), "closed") << stream << " " << when;
      }
    }
  }

  // A new descriptor has the lowest free number until the library moves it, which is the next call.
  static void expect_closed_but_for_instants(const char* when) {
    const auto give_up = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kBound);
    const auto any_open = [] {
      bool open = false;
      for (int stream = 0; stream < 3; ++stream) open = open || (is_closed(stream) && file_of(stream) != "closed");
      return open;
    };
    while (any_open() && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
    EXPECT_LT(std::chrono::steady_clock::now(), give_up) << files_of_streams() << " " << when;
  }
};

TEST_P(ClosedStreams, ASpawnAndAWaitTakeNoneOfTheirNumbers) {
  run([] {
    AckPipe ack;
    Command command = test_command(ack, {"read", "exit", "6"});
    Child child = Child::spawn(command.stdin_from(Stdio::pipe())).value();
    expect_closed("after the spawn");
    EXPECT_GE(child.stdin_fd(), 3);
    EXPECT_TRUE(ack.wait_for("ready"));
    EXPECT_FALSE(child.wait_for(absl::ZeroDuration()).value().has_value());
    expect_closed("after a wait that has timed out");
    EXPECT_EQ(::write(child.stdin_fd(), "abc", 3), 3);
    child.close_stdin();
    EXPECT_EQ(child.wait().value(), ExitStatus::exited(6));
    EXPECT_TRUE(ack.wait_for("eof 3"));
    expect_closed("after the end");
  });
}

// The waiting write uses at least two descriptors: the pipe and an event.
TEST_P(ClosedStreams, AWriteThatWaitsTakesNoneOfTheirNumbers) {
  run([] {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"sleep"}).stdin_from(Stdio::pipe())).value();
    StdinError error;
    std::thread writer([&] { error = child.write_stdin(std::string(1 << 20, 'x'), absl::InfiniteDuration()).error(); });
    expect_closed_but_for_instants("during the write");
    child.close_stdin();
    writer.join();
    EXPECT_EQ(error.kind, StdinError::Kind::kClosed);
    EXPECT_TRUE(child.kill().has_value());
    expect_closed("after the end");
  });
}

TEST_P(ClosedStreams, AChildThatNobodyGivesAnythingHasTheStreams) {
  run([] {
    const Report report = report_of(Command(test_child_path()));
    EXPECT_EQ(open_descriptors(report), "0 1 2");
    for (int stream = 0; stream < 3; ++stream) {
      if (is_closed(stream)) {
        const std::string line = report.at("fd." + std::to_string(stream));
        EXPECT_EQ(line.substr(line.rfind(' ') + 1), "/dev/null") << stream;
      } else {
        EXPECT_EQ(file_of(report, stream), file_of(stream)) << stream;
      }
    }
  });
}

// Looks while the escalation waits, whatever descriptors it waits with.
TEST_P(ClosedStreams, AnEscalationThatWaitsForASurvivorTakesNoneOfTheirNumbers) {
  run([] {
    AckPipe ack;
    Child child = Child::spawn(test_command(ack, {"fork", "mark", "USR1", "--", "handle", "USR1", "4"})).value();
    ack.close_write();
    const int worker = wait_forked(ack, {"ready", "child ready"});
    TerminationPolicy policy;
    policy.phases = {{Signal::user1(), absl::InfiniteDuration(), AttemptTarget::kGroup}};
    std::thread terminator([&child, &policy] {
      const auto ended = child.terminate_with_report(policy);
      ASSERT_TRUE(ended.has_value()) << ended.error();
      EXPECT_EQ(ended.value().status, ExitStatus::exited(4));
    });
    bool leader = false, member = false;
    while (!leader || !member) {
      const std::string line = ack.wait_line();
      if (line == "got SIGUSR1") leader = true;
      if (line == "child got SIGUSR1") member = true;
      if (line.empty() || line == "(timeout)") break;
    }
    EXPECT_TRUE(leader && member);
    expect_closed_but_for_instants("in the escalation");
    EXPECT_TRUE(send_signal_by_number(worker, SIGKILL));  // nothing else ends it here
    terminator.join();
    expect_closed("after the escalation");
    EXPECT_TRUE(ack.wait_eof());
  });
}

TEST_P(ClosedStreams, TerminateAllEndsEverybodyAndTakesNoneOfTheirNumbers) {
  run([] {
    AckPipe ack;
    std::vector<Child> children;
    for (int i = 0; i < 3; ++i) {
      children.push_back(Child::spawn(test_command(ack, {"fork", "stubborn", "--", "sleep"})).value());
      wait_forked(ack, {"ready", "child ready"});
    }
    ack.close_write();
    for (const auto& ended : terminate_all(children, TerminationPolicy::service(absl::Milliseconds(50)))) {
      ASSERT_TRUE(ended.has_value()) << ended.error();
      EXPECT_EQ(ended.value().status.signal(), Signal::terminate());
    }
    expect_closed("after terminate_all");
    EXPECT_TRUE(ack.wait_eof());
  });
}

// The handle's last message goes to stderr if that is open, and never to a descriptor of the library.
TEST_P(ClosedStreams, TheMessageOfADestructorGoesToStderrOnly) {
  run([] {
    AckPipe ack;
    AckPipe errors;
    const int saved = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kSavedAbove);
    if (saved >= 0) ::dup2(errors.write_fd(), STDERR_FILENO);
    {
      Command command = test_command(ack, {"fork", "stubborn", "--", "read"});
      Child child = Child::spawn(command.stdin_from(Stdio::pipe()).stderr_to(Stdio::null())).value();
      ack.close_write();
      wait_forked(ack, {"ready", "child ready"});
    }
    if (saved >= 0) ::dup2(saved, STDERR_FILENO);
    ::close(saved);
    expect_closed("after the destruction");
    // Only the child's two lines come, and its last one if SIGKILL came after its end of file.
    const std::string line = ack.wait_line();
    EXPECT_TRUE(line.empty() || line == "eof 0") << line;
    EXPECT_TRUE(ack.wait_eof());
    errors.close_write();
    const std::string message = errors.wait_line();
    EXPECT_EQ(message.rfind("warden: child 'fork' ", 0) == 0, !is_closed(STDERR_FILENO)) << message;
    EXPECT_EQ(message.empty(), is_closed(STDERR_FILENO)) << message;
    EXPECT_TRUE(errors.wait_eof());
  });
}

// Files that the host opens later get the free numbers and stay the host's.
TEST_P(ClosedStreams, WhatTheHostOpensAtTheirNumbersLaterStaysOpen) {
  run([] {
    std::vector<int> opened;
    {
      AckPipe ack;
      std::vector<Child> children;
      for (int i = 0; i < 4; ++i) {
        Command command = test_command(ack, {"fork", "sleep", "--", "read", "sleep"});
        children.push_back(Child::spawn(command.stdin_from(Stdio::pipe())).value());
        wait_forked(ack, {"ready", "child ready"});
      }
      children[3].terminate_on_destruction(TerminationPolicy::immediate()).value();
      for (int stream = 0; stream < 3; ++stream) {
        if (!is_closed(stream)) continue;
        opened.push_back(::open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
        EXPECT_EQ(opened.back(), stream);
      }
      const std::string files = files_of_streams();
      EXPECT_TRUE(children[0].kill().has_value());
      EXPECT_TRUE(children[1].terminate(TerminationPolicy::service(kBound)).has_value());
      children[2].close_stdin();
      EXPECT_TRUE(terminate_all({&children[2]}, TerminationPolicy::immediate())[0].has_value());
      EXPECT_EQ(files_of_streams(), files);
      children.clear();
      EXPECT_EQ(files_of_streams(), files);
    }
    for (const int fd : opened) EXPECT_EQ(::close(fd), 0) << fd;
  });
}

// The child's error is written after its descriptor table was made.
TEST_P(ClosedStreams, AFailedSpawnLeavesThemClosed) {
  run([] {
    EXPECT_EQ(error_of(Command("/no/such/program").stdin_from(Stdio::pipe())).step, SpawnError::Step::kExec);
    expect_closed("after the failure");
  });
}

INSTANTIATE_TEST_SUITE_P(EachSubset, ClosedStreams, ::testing::Range(0, 8));

}  // namespace
}  // namespace warden::test_support
