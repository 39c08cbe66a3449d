// The keeper's system calls, and its few helpers: it has no C library.
#ifndef WARDEN_LIB_KEEPER_CALLS_H_
#define WARDEN_LIB_KEEPER_CALLS_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include <cstddef>
#include <cstdint>

#include "lib/os/raw_syscall.h"

namespace warden::internal {

[[noreturn]] inline void leave(int code) {
  for (;;) raw_syscall(SYS_exit_group, code);
}

inline void close_fd(long fd) { raw_syscall(SYS_close, fd); }

// A descriptor, or -errno.
inline long open_file(long directory, const char* path, int flags) {
  return raw_syscall(SYS_openat, directory, as_argument(path), flags | O_RDONLY | O_CLOEXEC);
}

inline long signal_process(int pid, int signal) { return raw_syscall(SYS_kill, pid, signal); }
inline long signal_by_pidfd(long fd, int signal) { return raw_syscall(SYS_pidfd_send_signal, fd, signal, 0, 0); }

// Descriptors below 64, one bit each.
struct FdSet {
  unsigned long bits = 0;
  void add(long fd) {
    if (fd >= 0) bits |= 1UL << fd;
  }
  bool has(long fd) const { return fd >= 0 && (bits & 1UL << fd) != 0; }
};

// select(2): leaves in the sets what can be read, or is at its end, and what can be written; `milliseconds` below 0:
// without an end. Not poll(2), which fails where somebody has set the process's RLIMIT_NOFILE below the number of
// descriptors that it asks for.
inline long select_for(FdSet* readable, FdSet* writable, int milliseconds) {
  timespec timeout = {milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
  return raw_syscall(SYS_pselect6, 64, as_argument(readable), as_argument(writable), 0,
                     milliseconds < 0 ? 0 : as_argument(&timeout), 0);
}

// Reads the number before which the text is, 0 for none; returns what is after it.
inline const char* read_number(const char* text, int* number) {
  while (*text == ' ') ++text;
  const bool is_negative = *text == '-';
  if (is_negative) ++text;
  *number = 0;
  while (*text >= '0' && *text <= '9') *number = *number * 10 + (*text++ - '0');
  if (is_negative) *number = -*number;
  return text;
}

// PID/PART or PID/task/TID/PART, below /proc.
class ProcPath {
 public:
  ProcPath(int pid, const char* part) { add(pid), add("/"), add(part); }
  ProcPath(int pid, int tid, const char* part) { add(pid), add("/task/"), add(tid), add("/"), add(part); }
  const char* get() const { return text_; }

 private:
  void add(const char* text) {
    while (*text != '\0') text_[size_++] = *text++;
    text_[size_] = '\0';
  }
  void add(int number) {
    char digits[12];
    int count = 0;
    do digits[count++] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0) text_[size_++] = digits[--count];
    text_[size_] = '\0';
  }

  char text_[64];
  int size_ = 0;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_KEEPER_CALLS_H_
