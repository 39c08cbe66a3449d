// The child of the benchmarks: a static program without the start-up of the C library, which would hide what a spawn
// costs. Usage: tiny [p|r|w]: without an argument it ends at once with 0; p: waits for a signal; r: ends with 0 once it
// has read a byte or the end of its stdin; w: writes 1 GiB to its stdout, and ends with 0 if that was taken.
#include <sys/syscall.h>

#include "lib/os/raw_syscall.h"

namespace {

using warden::internal::as_argument;
using warden::internal::raw_syscall;

void wait_for_signal() {
#if defined(SYS_pause)
  raw_syscall(SYS_pause);
#else
  raw_syscall(SYS_ppoll);  // arm64 has no pause
#endif
}

// Writes whatever the stack contains.
__attribute__((noinline)) bool write_gib() {
  constexpr long kBlock = 64 * 1024;
  char block[kBlock];
  for (long left = 1L << 30; left > 0;) {
    const long written = raw_syscall(SYS_write, 1, as_argument(block), left < kBlock ? left : kBlock);
    if (written <= 0) return false;
    left -= written;
  }
  return true;
}

}  // namespace

extern "C" [[noreturn]] void tiny_main(const long* stack) {
  const long argc = stack[0];
  const char mode = argc > 1 ? *reinterpret_cast<const char*>(stack[2]) : '\0';
  if (mode == 'p') {
    for (;;) wait_for_signal();
  }
  if (mode == 'r') {
    char byte = 0;
    raw_syscall(SYS_read, 0, reinterpret_cast<long>(&byte), 1);
  }
  const int code = mode == 'w' && !write_gib() ? 1 : 0;
  for (;;) raw_syscall(SYS_exit_group, code);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n  mov %rsp, %rdi\n  call tiny_main\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n  mov x0, sp\n  bl tiny_main\n");
#endif
