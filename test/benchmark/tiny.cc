// The child of the benchmarks: a static program without the start-up of the C library, which would hide what a spawn
// costs. Usage: tiny [p|r]: without an argument it ends at once with 0; p: waits for a signal; r: ends with 0 once it
// has read a byte or the end of its stdin.
#include <sys/syscall.h>

#include "lib/internal/raw_syscall.h"

namespace {

using warden::internal::raw_syscall;

void wait_for_signal() {
#if defined(SYS_pause)
  raw_syscall(SYS_pause);
#else
  raw_syscall(SYS_ppoll);  // arm64 has no pause
#endif
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
  for (;;) raw_syscall(SYS_exit_group, 0);
}

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n  mov %rsp, %rdi\n  call tiny_main\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start:\n  mov x0, sp\n  bl tiny_main\n");
#endif
