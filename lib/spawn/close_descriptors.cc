#include "lib/spawn/close_descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <cstdint>

#include "lib/os/kernel_abi.h"
#include "lib/os/raw_syscall.h"

// Compiled without sanitizers and stack protector, like exec_child.cc.
namespace warden::internal {
namespace {

// Parses a name in /proc/self/fd; -1 for "." and "..".
int parse_number(const char* name) {
  int number = 0;
  if (*name == '\0') return -1;
  for (; *name != '\0'; ++name) {
    if (*name < '0' || *name > '9') return -1;
    number = number * 10 + (*name - '0');
  }
  return number;
}

// Closes the descriptors in [first, last] that a buffer of entries lists, but for `directory`. Returns how many.
int close_listed(const char* buffer, long size, int first, int last, int directory) {
  int closed = 0;
  for (long at = 0; at < size;) {
    const auto* entry = reinterpret_cast<const DirectoryEntry*>(buffer + at);
    const int fd = parse_number(entry->name);
    if (fd >= first && fd <= last && fd != directory) {
      raw_syscall(SYS_close, fd);
      ++closed;
    }
    at += entry->length;
  }
  return closed;
}

// False when /proc cannot be read. Closing can make the list skip entries, so it is read again until a whole pass
// closes nothing.
bool close_by_proc(int first, int last) {
  const long directory =
      raw_syscall(SYS_openat, AT_FDCWD, as_argument("/proc/self/fd"), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (directory < 0) return false;
  alignas(DirectoryEntry) char buffer[1024];
  int closed = 0;
  long size = 0;
  do {
    closed = 0;
    raw_syscall(SYS_lseek, directory, 0, 0);
    while ((size = raw_syscall(SYS_getdents64, directory, as_argument(buffer), sizeof buffer)) > 0) {
      closed += close_listed(buffer, size, first, last, static_cast<int>(directory));
    }
  } while (closed > 0);
  raw_syscall(SYS_close, directory);
  return size == 0;
}

void close_by_number(int first, int last) {
  struct {
    std::uint64_t soft, hard;
  } limit = {1024, 1024};
  raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, as_argument(&limit));
  constexpr std::uint64_t kMost = 1 << 20;
  const std::uint64_t most = limit.hard < kMost ? limit.hard : kMost;
  for (int fd = first; fd <= last && static_cast<std::uint64_t>(fd) < most; ++fd) raw_syscall(SYS_close, fd);
}

}  // namespace

void close_descriptors(int first, int last) {
  if (raw_syscall(SYS_close_range, first, last, 0) == 0) return;
  if (close_by_proc(first, last)) return;
  close_by_number(first, last);
}

}  // namespace warden::internal
