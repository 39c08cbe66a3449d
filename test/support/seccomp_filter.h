// Makes system calls fail as on an older kernel or in a strict container, for the rest of the life of the process and
// its children: install it only in run_isolated.
#ifndef WARDEN_TEST_SUPPORT_SECCOMP_FILTER_H_
#define WARDEN_TEST_SUPPORT_SECCOMP_FILTER_H_

#include <errno.h>

#include <cstdint>
#include <thread>
#include <vector>

namespace warden::test_support {

// The call fails with `error`, always or only where one argument matches.
struct RefusedCall {
  static constexpr int kKills = -1;  // as the error: the call kills the process (SIGSYS)
  enum class When { kAlways, kArgumentIs, kArgumentHasBit, kArgumentLacksBit };
  int number;  // SYS_*
  int error;
  When when = When::kAlways;
  std::uint32_t argument = 0;
  int index = 0;  // the index of the argument
};

// Refuses signals to a group through a pidfd: EINVAL as before Linux 6.9, which does not know the flag, or EPERM as a
// filter does.
RefusedCall refused_group_signals(int error = EINVAL);

// Below a filter: whether this process can signal a group by a pidfd. Then the kernel also says by itself that the
// group is empty, and the library keeps no zombie for the group's number.
bool has_group_signals();

// Refuses the clone() of vfork(2) and its like, as qemu-user does, but not that of fork(2).
RefusedCall refused_shared_clone(int error = EINVAL);

// Refuse clone() with CLONE_PIDFD, waitid(P_PIDFD), and waitid() with __WALL, as before Linux 4.7.
RefusedCall refused_pidfd_clone(int error = EINVAL);
RefusedCall refused_pidfd_wait(int error = EINVAL);
RefusedCall refused_wait_for_all();

// Refuse the creation of threads, with EAGAIN.
std::vector<RefusedCall> refused_threads();

// Which threads of this process a filter is for; those that they create inherit it.
enum class FilteredThreads : unsigned { kThis = 0, kAll = 1 };  // SECCOMP_FILTER_FLAG_TSYNC

// False, with a failed test, when the filter could not be installed.
bool refuse_system_calls(const std::vector<RefusedCall>& calls, FilteredThreads threads = FilteredThreads::kThis);

// Refuses one call (seccomp_unotify(2), Linux 5.5): of the calls of this thread, and of threads and processes that it
// creates, the one with this index (0 is the first) among those that match fails with the error of the first, and all
// others are made. After its destruction they fail.
class RefusedOnce {
 public:
  RefusedOnce(const std::vector<RefusedCall>& calls, int index);
  ~RefusedOnce();
  RefusedOnce(const RefusedOnce&) = delete;
  RefusedOnce& operator=(const RefusedOnce&) = delete;

 private:
  void answer(int listener, int index);

  const int error_;
  int end_[2] = {-1, -1};  // a pipe, closed to end the thread
  std::thread thread_;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_SECCOMP_FILTER_H_
