// Which errors of a call mean that it is refused here, by an older kernel or a seccomp filter, so that another way has
// to be taken. The sets differ because the calls do; each caller has the fallback that is named here.
//
// Not in this table, since every failure means it there: pidfd_open(2) (the process is waited for and signalled by its
// number), close_range(2) (close_descriptors.cc, exec_child.cc), ioctl(2) with PIDFD_GET_INFO (the status of a child
// that somebody else reaped is lost), reading /proc (what is asked of it is unknown).
#ifndef WARDEN_LIB_OS_REFUSED_H_
#define WARDEN_LIB_OS_REFUSED_H_

#include <errno.h>

namespace warden::internal {

// clone(2) with memory, descriptors or the caller's time shared (CLONE_VM, CLONE_FILES, CLONE_VFORK), or without an
// exit signal: EINVAL from an emulator (qemu-user), EPERM or ENOSYS from a filter. The child is launched as fork(2)
// does.
inline bool is_clone_refused(int error) { return error == EINVAL || error == EPERM || error == ENOSYS; }

// clone(2) with CLONE_PIDFD (Linux 5.2, an older kernel ignores the flag): EINVAL, EPERM or ENOSYS from a filter or an
// emulator, EMFILE or ENFILE where no descriptor is left for the pidfd. The child is launched without one.
inline bool is_clone_with_pidfd_refused(int error) {
  return is_clone_refused(error) || error == EMFILE || error == ENFILE;
}

// waitid(2) with P_PIDFD (Linux 5.4): EINVAL from an older kernel, EPERM or ENOSYS from a filter, EBADF where the
// program has closed the pidfd among descriptors that it does not know, and where there is none. The wait goes by
// number.
inline bool is_wait_by_pidfd_refused(int error) {
  return error == EINVAL || error == EPERM || error == ENOSYS || error == EBADF;
}

// waitid(2) with __WALL (Linux 4.7): EINVAL from an older kernel. The wait finds only a child whose exit signal is
// SIGCHLD.
inline bool is_wait_for_all_refused(int error) { return error == EINVAL; }

// pidfd_send_signal(2) to one process (Linux 5.1): ENOSYS from an older kernel or a filter, and where there is no
// pidfd. EINVAL from an emulator or a filter, EBADF as above. EPERM from a filter, or because the process may not be
// signalled: kill(2) then says the same, as of a signal that does not exist. The signal goes by number, while that is
// the child's.
inline bool is_signal_by_pidfd_refused(int error) {
  return error == ENOSYS || error == EPERM || error == EINVAL || error == EBADF;
}

// pidfd_send_signal(2) with PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9): EINVAL from an older kernel, ENOSYS from a filter,
// EBADF as above. EPERM from a filter, or because everybody in the group is another user's: a signal 0 to ourselves
// tells, which needs no permission. No answer is kept, since a program may enter a filter later. The signal goes by the
// group's number, while that is the group's.
inline bool is_group_signal_by_pidfd_refused(int error) { return error == EINVAL || error == ENOSYS || error == EBADF; }

// pwritev2(2) with RWF_NOWAIT and RWF_NOSIGNAL: EOPNOTSUPP from a kernel that does not know the flag, or not for pipes
// (Linux 6.4, 6.18), EINVAL from one that knows no flags, ENOSYS from one without the call, EPERM or ENOSYS from a
// filter. The next older way of pipe_write.cc is taken.
inline bool is_write_with_flags_refused(int error) {
  return error == EOPNOTSUPP || error == EINVAL || error == ENOSYS || error == EPERM;
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_REFUSED_H_
