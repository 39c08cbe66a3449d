// System calls without the C library: no errno, no cancellation point, no access to the thread's control block.
#ifndef WARDEN_LIB_OS_RAW_SYSCALL_H_
#define WARDEN_LIB_OS_RAW_SYSCALL_H_

namespace warden::internal {

// The result as the kernel returns it: -errno on failure.
#if defined(__x86_64__)
__attribute__((always_inline)) inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0,
                                                       long e = 0, long f = 0) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
__attribute__((always_inline)) inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0,
                                                       long e = 0, long f = 0) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "warden: raw_syscall is written for x86-64 and arm64"
#endif

// A pointer as an argument.
template <class T>
__attribute__((always_inline)) inline long as_argument(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_RAW_SYSCALL_H_
