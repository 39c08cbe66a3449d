#include "test/support/seccomp_filter.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <utility>

#include "gtest/gtest.h"

namespace warden::test_support {
namespace {

static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "the offset of the argument's low half");
constexpr std::uint32_t kNumberOffset = offsetof(struct seccomp_data, nr);
constexpr std::uint32_t kArgumentOffset = offsetof(struct seccomp_data, args);

// What Debian 12's headers lack.
constexpr std::uint32_t kClonePidfd = 0x1000;  // CLONE_PIDFD
constexpr std::uint32_t kWaitByPidfd = 3;      // P_PIDFD
constexpr std::uint32_t kToProcessGroup = 4;   // PIDFD_SIGNAL_PROCESS_GROUP

using Program = std::vector<sock_filter>;

std::uint32_t refusal(const RefusedCall& call) {
  if (call.error == RefusedCall::kKills) return SECCOMP_RET_KILL_PROCESS;
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(call.error);
}

// Appends: if the loaded call matches, return the answer; else go on.
void append(const RefusedCall& call, std::uint32_t answer, Program* program) {
  const sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, answer);
  const sock_filter load_number = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumberOffset);
  const sock_filter load_argument =
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArgumentOffset + 8 * static_cast<std::uint32_t>(call.index));
  const auto number = static_cast<std::uint32_t>(call.number);
  program->push_back(load_number);
  if (call.when == RefusedCall::When::kAlways) {
    program->push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    program->push_back(refuse);
    return;
  }
  program->push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 3));
  program->push_back(load_argument);
  const auto test = static_cast<std::uint16_t>(call.when == RefusedCall::When::kArgumentIs ? BPF_JEQ : BPF_JSET);
  const bool negated = call.when == RefusedCall::When::kArgumentLacksBit;
  program->push_back(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), call.argument,
                              static_cast<std::uint8_t>(negated ? 1 : 0), static_cast<std::uint8_t>(negated ? 0 : 1)));
  program->push_back(refuse);
}

// Returns what seccomp(2) does.
long install(Program program, unsigned flags) {
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

}  // namespace

RefusedCall refused_group_signals(int error) {
  return {SYS_pidfd_send_signal, error, RefusedCall::When::kArgumentHasBit, kToProcessGroup, 3};
}

bool has_group_signals() {
  const int self = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
  if (self < 0) return false;
  const bool has = ::syscall(SYS_pidfd_send_signal, self, 0, nullptr, kToProcessGroup) == 0 || errno == ESRCH;
  ::close(self);
  return has;
}

RefusedCall refused_shared_clone(int error) {
  return {SYS_clone, error, RefusedCall::When::kArgumentHasBit, CLONE_VFORK};
}

RefusedCall refused_pidfd_clone(int error) {
  return {SYS_clone, error, RefusedCall::When::kArgumentHasBit, kClonePidfd};
}

RefusedCall refused_pidfd_wait(int error) { return {SYS_waitid, error, RefusedCall::When::kArgumentIs, kWaitByPidfd}; }

RefusedCall refused_wait_for_all() { return {SYS_waitid, EINVAL, RefusedCall::When::kArgumentHasBit, __WALL, 3}; }

std::vector<RefusedCall> refused_threads() {
  return {{SYS_clone3, EAGAIN}, {SYS_clone, EAGAIN, RefusedCall::When::kArgumentHasBit, CLONE_THREAD}};
}

bool refuse_system_calls(const std::vector<RefusedCall>& calls, FilteredThreads threads) {
  Program program;
  for (const RefusedCall& call : calls) append(call, refusal(call), &program);
  const bool installed = install(std::move(program), static_cast<unsigned>(threads)) == 0;
  EXPECT_TRUE(installed) << "no seccomp filter: errno " << errno;
  return installed;
}

// The thread that answers has to exist before the filter does.
RefusedOnce::RefusedOnce(const std::vector<RefusedCall>& calls, int index) : error_(calls.front().error) {
  EXPECT_EQ(::pipe2(end_, O_CLOEXEC), 0);
  std::promise<int> listener;
  thread_ = std::thread([this, index, given = listener.get_future()]() mutable { answer(given.get(), index); });
  Program program;
  for (const RefusedCall& call : calls) append(call, SECCOMP_RET_USER_NOTIF, &program);
  const auto fd = static_cast<int>(install(std::move(program), SECCOMP_FILTER_FLAG_NEW_LISTENER));
  EXPECT_GE(fd, 0) << "no seccomp filter: errno " << errno;
  listener.set_value(fd);
}

RefusedOnce::~RefusedOnce() {
  ::close(end_[1]);
  thread_.join();
  ::close(end_[0]);
}

void RefusedOnce::answer(int listener, int index) {
  pollfd polled[] = {{listener, POLLIN, 0}, {end_[0], POLLIN, 0}};
  while (::poll(polled, 2, -1) > 0 && polled[1].revents == 0) {
    seccomp_notif asked = {};
    if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) continue;
    seccomp_notif_resp response = {};
    response.id = asked.id;
    if (index-- == 0) {
      response.error = -error_;
    } else {
      response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    }
    ::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  }
  if (listener >= 0) ::close(listener);
}

}  // namespace warden::test_support
