// Hosts that close every descriptor but the standard streams, as programs do that become daemons (closefrom(3)), and
// that have files of their own at the numbers afterwards.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/config.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "lib/os/sys.h"
#include "lib/os/unique_fd.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/output_helpers.h"
#include "test/support/process_snapshot.h"
#include "test/support/seccomp_filter.h"
#include "test/support/send_signal.h"
#include "test/support/temporary_directory.h"
#include "test/support/thread_probe.h"
#include "test/support/unseen_calls.h"
#include "warden/child.h"

namespace warden::test_support {
namespace {

using internal::UniqueFd;

constexpr OutputStream kStdout = OutputStream::kStdout;

#ifdef SYS_poll
constexpr long kPoll = SYS_poll;
#else
constexpr long kPoll = SYS_ppoll;
#endif

using Descriptors = std::map<int, std::string>;

Descriptors descriptors() { return ProcessSnapshot::take().descriptors; }

// Many files are one inode, as pidfds and events are: a mark tells the host's file. The library uses lower ones.
constexpr int kHostsMark = 63;

bool has_hosts_mark(int fd) { return ::fcntl(fd, F_GETSIG) == kHostsMark; }

// The host closes the descriptors that are not in `before`, and has its own file at each number. In the end they must
// still be the host's.
class Replaced {
 public:
  Replaced(const Descriptors& before, int file) : file_(file) {
    for (const auto& [fd, name] : descriptors()) {
      if (before.count(fd) == 0) fds_.push_back(fd);
    }
    EXPECT_FALSE(fds_.empty());
    EXPECT_TRUE(file < 0 || ::fcntl(file, F_SETSIG, kHostsMark) == 0);
    for (const int fd : fds_) EXPECT_TRUE(file < 0 ? close_unseen(fd) : replace_unseen(fd, file)) << fd;
  }
  ~Replaced() {
    for (const int fd : fds_) {
      EXPECT_EQ(::fcntl(fd, F_GETFD) >= 0, file_ >= 0) << fd;
      if (file_ < 0) continue;
      EXPECT_TRUE(has_hosts_mark(fd)) << fd << ": " << descriptors()[fd];
      close_unseen(fd);
    }
  }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;

 private:
  const int file_;
  std::vector<int> fds_;
};

#define SKIP_WHERE_NOTHING_TELLS_WHAT_A_THREAD_WAITS_FOR() \
  if (!tells_system_calls()) GTEST_SKIP() << "this kernel has no /proc/PID/syscall"

// The reaper, and the thread that reads what the child writes.
bool wait_until_both_sleep() {
  if (kPoll == SYS_ppoll) return wait_until_threads_sleep_in(kPoll, 2);
  return wait_until_threads_sleep_in(kPoll) && wait_until_threads_sleep_in(SYS_ppoll);
}

// What the host has at the numbers.
struct HostFile {
  std::string name;
  std::function<UniqueFd()> open;
};

UniqueFd open_silent_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return UniqueFd();
  // Its write end stays open: the read end is not readable.
  return UniqueFd(ends[0]);
}

// A child of the host, which has nothing to do with the library. It lives until this process ends.
int start_stranger() {
  const int parent = ::getpid();
  const int pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (::getppid() == parent) ::pause();
  ::_exit(0);
}

UniqueFd open_pidfd_of_stranger() { return UniqueFd(internal::linux_sys().pidfd_open(start_stranger())); }

UniqueFd open_pidfd_of_dead_stranger() {
  const int pid = ::fork();
  if (pid == 0) ::_exit(7);
  siginfo_t info = {};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  return UniqueFd(internal::linux_sys().pidfd_open(pid));
}

UniqueFd open_file(const std::string& text = "") {
  UniqueFd file(::memfd_create("host", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_SET), 0);
  return file;
}

off_t size_of(const UniqueFd& file) {
  struct stat info = {};
  return ::fstat(file.get(), &info) == 0 ? info.st_size : -1;
}

off_t position_of(const UniqueFd& file) { return ::lseek(file.get(), 0, SEEK_CUR); }

const HostFile kHostFiles[] = {
    {"Nothing", [] { return UniqueFd(); }},
    {"SilentPipe", open_silent_pipe},
    {"File", [] { return open_file("text of the host\n"); }},
    {"Epoll", [] { return UniqueFd(::epoll_create1(EPOLL_CLOEXEC)); }},
    {"PidfdOfALivingChild", open_pidfd_of_stranger},
    {"PidfdOfADeadChild", open_pidfd_of_dead_stranger},
    {"PidfdOfItself", [] { return UniqueFd(internal::linux_sys().pidfd_open(::getpid())); }},
    // pidfd_send_signal(2) takes it for a pidfd, and waitid(2) does not.
    {"ProcSelf", [] { return UniqueFd(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }},
};

// A child whose group has another process, which outlives it and holds a FIFO.
class Survivor {
 public:
  Survivor() {
    EXPECT_EQ(::mkfifo(fifo_.c_str(), 0600), 0);
    life_.reset(::open(fifo_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    EXPECT_GE(life_.get(), 0);
  }

  Command leader() const { return Command("sh").args({"-c", "exec 9>" + fifo_ + "; sleep 600 & echo >&9; wait"}); }
  void wait_until_there() const {
    char byte = 0;
    EXPECT_TRUE(hears(POLLIN, 60'000));
    EXPECT_EQ(::read(life_.get(), &byte, 1), 1);
  }
  // Once nobody else of the group is left.
  bool is_over() const { return hears(POLLHUP, 0); }

 private:
  bool hears(short event, int timeout_ms) const {
    pollfd polled = {life_.get(), POLLIN, 0};
    return ::poll(&polled, 1, timeout_ms) == 1 && (polled.revents & event) != 0;
  }

  const TemporaryDirectory directory_;
  const std::string fifo_ = directory_.path("fifo");
  UniqueFd life_;
};

enum class When { kAtOnce, kOnceTheReaperWaits };

class AHostWithItsOwnFiles : public ::testing::TestWithParam<std::tuple<When, HostFile>> {
 protected:
  void SetUp() override {
    if (std::get<0>(GetParam()) == When::kAtOnce) return;
    SKIP_WHERE_NOTHING_TELLS_WHAT_A_THREAD_WAITS_FOR();
  }
  // Runs `body` in a process of its own with a child whose descriptors the host has replaced.
  static void with_child(const Command& command, const std::function<void(std::unique_ptr<Child>&)>& body) {
    const auto& [when, host_file] = GetParam();
    run_isolated_unchecked([&, when = when, host_file = host_file] {
      const UniqueFd file = host_file.open();
      const Descriptors before = descriptors();
      auto child = std::make_unique<Child>(Child::spawn(command).value());
      if (when == When::kOnceTheReaperWaits) {
        ASSERT_TRUE(wait_until_threads_sleep_in(SYS_ppoll));
      }
      const Replaced replaced(before, file.get());
      body(child);
      if (host_file.name == "PidfdOfALivingChild") {
        pollfd polled = {file.get(), POLLIN, 0};
        EXPECT_EQ(::poll(&polled, 1, 0), 0) << "it has ended";
      }
      if (host_file.name == "PidfdOfADeadChild") {
        siginfo_t info = {};
        EXPECT_EQ(::waitid(P_PIDFD, static_cast<id_t>(file.get()), &info, WEXITED | WNOWAIT), 0) << "it was reaped";
        EXPECT_EQ(info.si_status, 7);
      }
    });
  }
};

TEST_P(AHostWithItsOwnFiles, GetsTheStatusOfItsChild) {
  with_child(test_command({"sleep"}), [](std::unique_ptr<Child>& child) {
    EXPECT_FALSE(child->try_wait().value().has_value());
    EXPECT_FALSE(child->wait_for(absl::Milliseconds(1)).value().has_value());
    std::thread killer([pid = child->pid()] { EXPECT_TRUE(send_signal_by_number(pid, SIGKILL)); });
    EXPECT_EQ(child->wait().value(), ExitStatus::signaled(Signal::kill(), false));
    killer.join();
  });
}

TEST_P(AHostWithItsOwnFiles, EndsItsChildAndNobodyElse) {
  for (const bool has_group : {true, false}) {
    with_child(test_command({"sleep"}).group(has_group), [](std::unique_ptr<Child>& child) {
      EXPECT_TRUE(child->kill().has_value());
      EXPECT_EQ(child->try_wait().value(), ExitStatus::signaled(Signal::kill(), false));
    });
  }
}

TEST_P(AHostWithItsOwnFiles, EndsTheGroupOfAChildThatHasEnded) {
  const Survivor survivor;
  with_child(survivor.leader(), [&survivor](std::unique_ptr<Child>& child) {
    survivor.wait_until_there();
    EXPECT_TRUE(send_signal_by_number(child->pid(), SIGKILL));
    EXPECT_EQ(child->wait().value(), ExitStatus::signaled(Signal::kill(), false));
    EXPECT_FALSE(survivor.is_over());
    const auto killed = child->kill();
    EXPECT_TRUE(killed.has_value()) << killed.error();
    EXPECT_TRUE(survivor.is_over());
  });
}

// The keeper is told by its number, and tells by its exit code.
TEST_P(AHostWithItsOwnFiles, EndsATreeAndNobodyElse) {
  const Survivor survivor;
  with_child(survivor.leader().containment(Containment::kTree), [&survivor](std::unique_ptr<Child>& child) {
    survivor.wait_until_there();
    const auto killed = child->kill();
    EXPECT_TRUE(killed.has_value()) << killed.error();
    EXPECT_TRUE(survivor.is_over());
  });
}

TEST_P(AHostWithItsOwnFiles, IsNotKeptByADestructor) {
  for (const Containment containment : {Containment::kGroup, Containment::kTree}) {
    with_child(test_command({"sleep"}).containment(containment), [](std::unique_ptr<Child>& child) {
      const Pidfd process(child->pid());
      ASSERT_TRUE(child->terminate_on_destruction().has_value());
      child = nullptr;
      EXPECT_TRUE(process.is_dead());
    });
  }
}

INSTANTIATE_TEST_SUITE_P(All, AHostWithItsOwnFiles,
                         ::testing::Combine(::testing::Values(When::kAtOnce, When::kOnceTheReaperWaits),
                                            ::testing::ValuesIn(kHostFiles)),
                         [](const auto& tested) {
                           const bool at_once = std::get<0>(tested.param) == When::kAtOnce;
                           return std::get<1>(tested.param).name + (at_once ? "AtOnce" : "OnceTheReaperWaits");
                         });

// It tells of the child as the lost one did, but it is not the library's to close.
TEST(AHostsPidfdOfTheChild, StaysOpen) {
  run_isolated_unchecked([] {
    Descriptors before = descriptors();
    auto child = std::make_unique<Child>(Child::spawn(test_command({"sleep"})).value());
    const UniqueFd file(internal::linux_sys().pidfd_open(child->pid()));
    before[file.get()] = "the host's";
    const Replaced replaced(before, file.get());
    EXPECT_TRUE(child->kill().has_value());
    EXPECT_EQ(child->try_wait().value(), ExitStatus::signaled(Signal::kill(), false));
    child = nullptr;
  });
}

// The kernel tells by the library's own pidfd alone whether the group is there (F_SETOWN), and says of another that it
// is not.
TEST(AHostsPidfdOfTheChild, DoesNotSayThatItsGroupIsEmpty) {
  run_isolated_unchecked([] {
    if (!refuse_system_calls({refused_group_signals()})) return;
    const Survivor survivor;
    Descriptors before = descriptors();
    Child child = Child::spawn(survivor.leader()).value();
    survivor.wait_until_there();
    const UniqueFd file(internal::linux_sys().pidfd_open(child.pid()));
    before[file.get()] = "the host's";
    const Replaced replaced(before, file.get());
    EXPECT_TRUE(send_signal_by_number(child.pid(), SIGKILL));
    EXPECT_EQ(::waitpid(child.pid(), nullptr, 0), child.pid());  // from under the library
    const auto killed = child.kill();
    EXPECT_FALSE(survivor.is_over());
    EXPECT_TRUE(killed.has_error());
    child.detach_on_destruction();
    EXPECT_TRUE(send_signal_by_number(-child.pid(), SIGKILL));  // which the survivor keeps
  });
}

TEST(AHostsFile, GetsNothingThatIsMeantForTheChild) {
  run_isolated_unchecked([] {
    const UniqueFd file = open_file();
    const Descriptors before = descriptors();
    Child child = Child::spawn(test_command({"sleep"}).stdin_from(Stdio::pipe())).value();
    const Replaced replaced(before, file.get());
    EXPECT_EQ(child.write_stdin("text", kBound).error().kind, StdinError::Kind::kClosed);
    child.close_stdin();
    EXPECT_TRUE(child.kill().has_value());
    EXPECT_EQ(size_of(file), 0);
  });
}

// The event by which a call of another thread is woken lives no longer than that call.
TEST(AHostsFile, GetsNothingThatWakesAThread) {
  SKIP_WHERE_NOTHING_TELLS_WHAT_A_THREAD_WAITS_FOR();
  run_isolated_unchecked([] {
    const UniqueFd file = open_file();
    Child child = Child::spawn(test_command({"sleep"}).stdin_from(Stdio::pipe())).value();
    const Descriptors before = descriptors();
    std::thread writer([&child] {
      const auto written = child.write_stdin(std::string(1 << 20, 'x'), absl::InfiniteDuration());
      EXPECT_TRUE(written.has_error());
    });
    ASSERT_TRUE(wait_until_threads_sleep_in(SYS_ppoll, 2));  // the reaper, too
    {
      const Replaced replaced(before, file.get());
      EXPECT_TRUE(child.kill().has_value());
      EXPECT_EQ(size_of(file), 0);
      writer.join();
    }
  });
}

void expect_lost(Child& child) {
  EXPECT_TRUE(child.kill().has_value());
  const DrainResult drained = child.drain_output().value();
  ASSERT_EQ(drained.streams.size(), 1u);
  EXPECT_FALSE(drained.complete());
  const std::error_code lost(EBADF, std::generic_category());
  EXPECT_EQ(drained.streams[0].read_error, lost);
  EXPECT_EQ(child.output(kStdout).value().read_error(), lost);
  EXPECT_EQ(child.output(kStdout).value().text(), "");
}

TEST(AHostsFile, IsNotReadAsTheOutputOfAChild) {
  SKIP_WHERE_NOTHING_TELLS_WHAT_A_THREAD_WAITS_FOR();
  for (const bool at_once : {false, true}) {
    run_isolated_unchecked([at_once] {
      const UniqueFd file = open_file("text of the host\n");
      const Descriptors before = descriptors();
      LineBox box;
      Child child = Child::spawn(captured_command({"sleep"})).value();
      ASSERT_TRUE(at_once || wait_until_both_sleep());
      const Replaced replaced(before, file.get());
      EXPECT_TRUE(child.on_line(kStdout, box.callback()).has_value());
      expect_lost(child);
      EXPECT_EQ(position_of(file), 0);
      EXPECT_EQ(size_of(file), 17);
      EXPECT_THAT(box.lines(), ::testing::IsEmpty());
    });
  }
}

// A callback on the reading thread closes them, in the middle of what a full pipe has. The thread reads by itself, or
// because it is asked to.
TEST(AHostsFile, IsNotReadAfterACallbackThatHasClosedTheDescriptors) {
  for (const bool is_asked : {false, true}) {
    run_isolated_unchecked([is_asked] {
      const UniqueFd file = open_file("text of the host\n");
      const Descriptors before = descriptors();
      std::unique_ptr<const Replaced> replaced;
      std::promise<void> is_replaced;
      const Command command = captured_shell("echo first; read go; yes | head -c 60000").stdin_from(Stdio::pipe());
      Child child = Child::spawn(command).value();
      const auto callback = [&](const Line& line) {
        if (line.text == "first") {
          EXPECT_TRUE(child.write_stdin("go\n", kBound).has_value());
          while (child.state().kind == ProcessState::Kind::kRunning) ::sched_yield();
        } else if (replaced == nullptr) {
          replaced = std::make_unique<const Replaced>(before, file.get());
          is_replaced.set_value();
        }
      };
      ASSERT_TRUE(child.on_line(kStdout, callback).has_value());
      if (!is_asked) is_replaced.get_future().wait();
      const LineWait wait = child.wait_for_line(kStdout, "never", absl::InfiniteDuration()).value();
      EXPECT_EQ(wait.kind, LineWait::Kind::kReadFailed);
      EXPECT_EQ(position_of(file), 0);
      EXPECT_TRUE(child.wait().value().success());
    });
  }
}

// Its handle in the copy is destroyed after the copy has closed everything, as a program that becomes a daemon does.
TEST(AForkedCopysOwnFiles, StayOpenWhenItsHandleIsDestroyed) {
  SKIP_WHERE_NOTHING_TELLS_WHAT_A_THREAD_WAITS_FOR();
  run_isolated_unchecked([] {
    const UniqueFd file = open_file();
    const Descriptors before = descriptors();
    auto child = std::make_unique<Child>(Child::spawn(captured_command({"sleep"}).stdin_from(Stdio::pipe())).value());
    ASSERT_TRUE(wait_until_both_sleep());
    const pid_t copy = ::fork();
    if (copy == 0) {
      {
        const Replaced replaced(before, file.get());
        child = nullptr;
        EXPECT_EQ(size_of(file), 0);
      }
      ::_exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(copy, &status, 0), copy);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(child->state().kind, ProcessState::Kind::kRunning);
    EXPECT_TRUE(child->kill().has_value());
  });
}

// The new child's descriptors have the numbers of the old one's.
TEST(AForkedCopysNewChild, KeepsItsDescriptorsWhenTheOldHandleIsDestroyed) {
#ifdef ABSL_HAVE_THREAD_SANITIZER
  GTEST_SKIP() << "TSan ends a process that creates a thread after it was forked from one with several";
#endif
  SKIP_WHERE_NOTHING_TELLS_WHAT_A_THREAD_WAITS_FOR();
  run_isolated_unchecked([] {
    const Descriptors before = descriptors();
    auto old = std::make_unique<Child>(Child::spawn(captured_command({"sleep"}).stdin_from(Stdio::pipe())).value());
    ASSERT_TRUE(wait_until_both_sleep());
    const pid_t copy = ::fork();
    if (copy == 0) {
      { const Replaced closed(before, -1); }
      Child child = Child::spawn(captured_shell("read line; echo $line").stdin_from(Stdio::pipe())).value();
      const Descriptors fresh = descriptors();
      old = nullptr;
      EXPECT_EQ(descriptors(), fresh);
      EXPECT_TRUE(child.write_stdin("new\n", kBound).has_value());
      EXPECT_EQ(finished_output(child).text(), "new\n");
      EXPECT_TRUE(child.wait().value().success());
      ::_exit(::testing::Test::HasFailure() ? 1 : 0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(copy, &status, 0), copy);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(old->kill().has_value());
  });
}

// The thread that reads sleeps, and nothing wakes it any more.
TEST(AHostsSilentPipe, KeepsNeitherADrainNorADestructorWaiting) {
  SKIP_WHERE_NOTHING_TELLS_WHAT_A_THREAD_WAITS_FOR();
  run_isolated_unchecked([] {
    const UniqueFd pipe = open_silent_pipe();
    const Descriptors before = descriptors();
    auto child = std::make_unique<Child>(Child::spawn(captured_command({"sleep"})).value());
    ASSERT_TRUE(wait_until_both_sleep());
    const Replaced replaced(before, pipe.get());
    expect_lost(*child);
    for (int i = 0; i < 2; ++i) {
      const LineWait wait = child->wait_for_line(kStdout, "never", absl::InfiniteDuration()).value();
      EXPECT_EQ(wait.kind, LineWait::Kind::kReadFailed);
      EXPECT_EQ(wait.read_error, std::error_code(EBADF, std::generic_category()));
    }
    child = nullptr;
  });
}

// The usual case: the numbers are those that come next.
TEST(ANewChildAtTheSameNumbers, IsNotHurtByTheOldOne) {
  SKIP_WHERE_NOTHING_TELLS_WHAT_A_THREAD_WAITS_FOR();
  run_isolated_unchecked([] {
    const Command command = captured_shell("read line; echo $line").stdin_from(Stdio::pipe());
    const Descriptors before = descriptors();
    auto old =
        std::make_unique<Child>(Child::spawn(captured_shell("exec sleep 600").stdin_from(Stdio::pipe())).value());
    ASSERT_TRUE(wait_until_both_sleep());
    const std::size_t count = descriptors().size();
    { const Replaced closed(before, -1); }
    Child child = Child::spawn(command).value();
    ASSERT_EQ(descriptors().size(), count);
    const Descriptors fresh = descriptors();

    EXPECT_EQ(old->write_stdin("old\n", kBound).error().kind, StdinError::Kind::kClosed);
    EXPECT_EQ(old->kill().value(), ExitStatus::signaled(Signal::kill(), false));
    EXPECT_FALSE(old->drain_output().value().complete());
    old = nullptr;
    EXPECT_EQ(descriptors(), fresh);

    EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
    EXPECT_TRUE(child.write_stdin("new\n", kBound).has_value());
    EXPECT_EQ(finished_output(child).text(), "new\n");
    EXPECT_TRUE(child.wait().value().success());
  });
}

}  // namespace
}  // namespace warden::test_support
