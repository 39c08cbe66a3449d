// The children of processes, as /proc lists them (proc(5), CONFIG_PROC_CHILDREN).
#ifndef WARDEN_LIB_KEEPER_CHILDREN_H_
#define WARDEN_LIB_KEEPER_CHILDREN_H_

#include "lib/keeper/calls.h"
#include "lib/os/kernel_abi.h"

namespace warden::internal {

// Calls `visit` with each number in a list of children, from where the file is. 0, or -errno.
template <class Visit>
long read_children(long fd, Visit visit) {
  char text[4096];
  int pid = 0;
  for (;;) {
    const long size = raw_syscall(SYS_read, fd, as_argument(text), sizeof text);
    if (size <= 0) return size;
    for (long i = 0; i < size; ++i) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid != 0) {
        visit(pid);
        pid = 0;
      }
    }
  }
}

// The children of one thread. `proc`: a descriptor of /proc. 0, or -errno.
template <class Visit>
long visit_children_of_thread(long proc, int pid, int tid, Visit visit) {
  const long fd = open_file(proc, ProcPath(pid, tid, "children").get(), 0);
  if (fd < 0) return fd;
  const long error = read_children(fd, visit);
  close_fd(fd);
  return error;
}

// The children of every thread of the process: each thread has its own. 0, or the first -errno; threads that have ended
// are left out.
template <class Visit>
long visit_children(long proc, int pid, Visit visit) {
  const long fd = open_file(proc, ProcPath(pid, "task").get(), O_DIRECTORY);
  if (fd < 0) return fd;
  long error = 0;
  alignas(8) char entries[2048];
  for (;;) {
    const long size = raw_syscall(SYS_getdents64, fd, as_argument(entries), sizeof entries);
    if (size < 0 && error == 0) error = size;
    if (size <= 0) break;
    for (long at = 0; at < size;) {
      const auto& entry = *reinterpret_cast<const DirectoryEntry*>(entries + at);
      at += entry.length;
      int tid = 0;
      read_number(entry.name, &tid);
      if (tid == 0) continue;
      const long refused = visit_children_of_thread(proc, pid, tid, visit);
      if (error == 0 && refused != -ESRCH && refused != -ENOENT) error = refused;
    }
  }
  close_fd(fd);
  return error;
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_KEEPER_CHILDREN_H_
