// Writes to a child that does not read, in every host and on every kernel: the write returns an error, never raises
// SIGPIPE, and changes nothing of the host's signals.
#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/large_text.h"
#include "test/support/seccomp_filter.h"
#include "test/support/send_signal.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using Kind = StdinError::Kind;

volatile sig_atomic_t handled = 0;

void count_signal(int) { handled = handled + 1; }

void set_disposition(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  ::sigaction(SIGPIPE, &action, nullptr);
}

void block_sigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

struct Host {
  const char* name;
  void (*set_up)();
};

void PrintTo(const Host& host, std::ostream* out) { *out << host.name; }

const Host kHosts[] = {
    {"Plain", [] { set_disposition(SIG_DFL); }},
    {"Ignoring", [] { set_disposition(SIG_IGN); }},
    {"Handling", [] { set_disposition(count_signal); }},
    {"Blocking", [] { block_sigpipe(); }},
    {"BlockingAndIgnoring",
     [] {
       set_disposition(SIG_IGN);
       block_sigpipe();
     }},
    {"OnePendingOnTheThread",
     [] {
       block_sigpipe();
       ::raise(SIGPIPE);
     }},
    {"OnePendingOnTheProcess",
     [] {
       block_sigpipe();
       send_signal_by_number(::getpid(), SIGPIPE);
     }},
    {"OnePendingOnBoth",
     [] {
       block_sigpipe();
       ::raise(SIGPIPE);
       send_signal_by_number(::getpid(), SIGPIPE);
     }},
};

struct Kernel {
  const char* name;
  std::vector<RefusedCall> without;
};

void PrintTo(const Kernel& kernel, std::ostream* out) { *out << kernel.name; }

constexpr int kFlags = 5;  // the argument of pwritev2(2)
const Kernel kKernels[] = {
    {"Newest", {}},
    {"BeforeNoSignal", {{SYS_pwritev2, EOPNOTSUPP, RefusedCall::When::kArgumentHasBit, 1u << 8, kFlags}}},
    {"BeforeNoWaitForPipes", {{SYS_pwritev2, EOPNOTSUPP, RefusedCall::When::kAlways, 0, 0}}},
    {"BeforeTheCall", {{SYS_pwritev2, ENOSYS, RefusedCall::When::kAlways, 0, 0}}},
    {"ForbiddingTheCall", {{SYS_pwritev2, EPERM, RefusedCall::When::kAlways, 0, 0}}},
};

// The pending signals of the thread and the process, the thread's mask, and the ignored and handled signals.
std::string signals_of_host() {
  std::ifstream file("/proc/thread-self/status");
  std::string found;
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, 3, "Sig") == 0 && line.compare(0, 4, "SigQ") != 0) found += line + "\n";
    if (line.compare(0, 3, "Shd") == 0) found += line + "\n";
  }
  return found + std::to_string(handled);
}

Child spawn_with_pipe(const AckPipe& ack, const std::vector<std::string>& mode) {
  return Child::spawn(test_command(ack, mode).stdin_from(Stdio::pipe())).value();
}

class Sigpipe : public ::testing::TestWithParam<std::tuple<Host, Kernel>> {
 protected:
  // Runs the body in the host and on the kernel of the parameter.
  static void run(const std::function<void()>& body) {
    run_isolated_unchecked([&body] {
      std::get<Host>(GetParam()).set_up();
      const std::vector<RefusedCall>& without = std::get<Kernel>(GetParam()).without;
      if (!without.empty()) {
        ASSERT_TRUE(refuse_system_calls(without));
      }
      const std::string before = signals_of_host();
      check_leaves_nothing(body);
      EXPECT_EQ(signals_of_host(), before);
    });
  }
};

TEST_P(Sigpipe, IsNotRaisedByAWriteToAChildThatHasClosedItsStdin) {
  run([] {
    AckPipe ack;
    Child child = spawn_with_pipe(ack, {"close-stdin"});
    ASSERT_EQ(ack.wait_line(), "closed");
    const std::string before = signals_of_host();
    for (int i = 0; i < 2; ++i) {
      const Result<void, StdinError> written = child.write_stdin("hello", kBound);
      ASSERT_TRUE(written.has_error());
      EXPECT_EQ(written.error().kind, Kind::kNoReader);
      EXPECT_EQ(signals_of_host(), before);
    }
    EXPECT_TRUE(child.kill().has_value());
  });
}

TEST_P(Sigpipe, IsNotRaisedByAChildThatClosesItsStdinDuringTheWrite) {
  run([] {
    AckPipe ack;
    Child child = spawn_with_pipe(ack, {"read-some", "300000", "close-stdin"});
    const Result<void, StdinError> written = child.write_stdin(std::string(2'000'000, 'x'), kBound);
    ASSERT_TRUE(written.has_error());
    EXPECT_EQ(written.error().kind, Kind::kNoReader);
    EXPECT_GE(written.error().written, 300'000u);
    EXPECT_TRUE(child.kill().has_value());
  });
}

TEST_P(Sigpipe, DoesNotHinderAWriteToAReaderNorItsDeadline) {
  run([] {
    AckPipe ack;
    const std::string text = large_text(1'000'000);
    Child reader = spawn_with_pipe(ack, {"digest"});
    EXPECT_TRUE(reader.write_stdin(text, kBound).has_value());
    EXPECT_TRUE(reader.wait().value().success());
    EXPECT_TRUE(ack.wait_for(digest_line(text)));

    Child sleeper = spawn_with_pipe(ack, {"sleep"});
    const StdinError late = sleeper.write_stdin(text, absl::Milliseconds(10)).error();
    EXPECT_EQ(late.kind, Kind::kTimedOut);
    int unread = 0;
    ASSERT_EQ(::ioctl(sleeper.stdin_fd(), FIONREAD, &unread), 0);
    EXPECT_GT(unread, 0);
    EXPECT_EQ(late.written, static_cast<std::size_t>(unread));
    EXPECT_TRUE(sleeper.kill().has_value());
  });
}

std::string name_of(const ::testing::TestParamInfo<Sigpipe::ParamType>& one) {
  return std::string(std::get<Host>(one.param).name) + "On" + std::get<Kernel>(one.param).name;
}

INSTANTIATE_TEST_SUITE_P(EveryHostOnEveryKernel, Sigpipe,
                         ::testing::Combine(::testing::ValuesIn(kHosts), ::testing::ValuesIn(kKernels)), name_of);

}  // namespace
}  // namespace warden::test_support
