// Whether this program runs on valgrind, whose virtual processor has no clone(2) but those of fork(2), vfork(2) and
// pthread_create(3), and ends the program at any other.
#ifndef WARDEN_LIB_OS_VALGRIND_H_
#define WARDEN_LIB_OS_VALGRIND_H_

#include <cstdint>

namespace warden::internal {

// Asks by the client request RUNNING_ON_VALGRIND (valgrind manual, "The Client Request mechanism"): instructions that
// change nothing on a real processor. The program needs no header of valgrind's, and the user sets nothing.
inline bool runs_on_valgrind() {
  const std::uint64_t request[6] = {0x1001};
  std::uint64_t answer = 0;
#if defined(__x86_64__)
  __asm__ volatile(
      "rolq $3, %%rdi; rolq $13, %%rdi; rolq $61, %%rdi; rolq $51, %%rdi\n\t"
      "xchgq %%rbx, %%rbx"
      : "=d"(answer)
      : "a"(request), "0"(answer)
      : "cc", "memory");
#elif defined(__aarch64__)
  register std::uint64_t x3 __asm__("x3") = 0;
  register const std::uint64_t* x4 __asm__("x4") = request;
  __asm__ volatile(
      "ror x12, x12, #3; ror x12, x12, #13; ror x12, x12, #51; ror x12, x12, #61\n\t"
      "orr x10, x10, x10"
      : "+r"(x3)
      : "r"(x4)
      : "cc", "memory");
  answer = x3;
#endif
  return answer != 0;
}

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_VALGRIND_H_
