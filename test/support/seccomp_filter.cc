#include "test/support/seccomp_filter.h"

#include <endian.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

// Appends: if the loaded call matches, return the error; else go on.
void append(const RefusedCall& call, Program* program) {
  const std::uint32_t answer = call.error == RefusedCall::kKills
                                   ? SECCOMP_RET_KILL_PROCESS
                                   : SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(call.error);
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

bool refuse_system_calls(const std::vector<RefusedCall>& calls) {
  Program program;
  for (const RefusedCall& call : calls) append(call, &program);
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
  const bool installed = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter) == 0;
  EXPECT_TRUE(installed) << "no seccomp filter: errno " << errno;
  return installed;
}

}  // namespace warden::test_support
