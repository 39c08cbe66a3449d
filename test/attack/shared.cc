#include "test/attack/shared.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace warden::attack {

Shared* shared = nullptr;

void map_shared() {
  void* const at = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, kSharedFd, 0);
  if (at == MAP_FAILED) _exit(1);
  shared = static_cast<Shared*>(at);
}

std::int64_t now() {
  timespec time = {};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * kSecond + time.tv_nsec;
}

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value, const timespec* timeout) {
  return syscall(SYS_futex, &word, operation, value, timeout, nullptr, 0);
}

void raise_flag(std::atomic<std::uint32_t>& flag, std::uint32_t value) {
  flag.store(value);
  futex(flag, FUTEX_WAKE, INT32_MAX, nullptr);
}

void wait_for_flag(std::atomic<std::uint32_t>& flag, std::int64_t bound) {
  const timespec time = {bound / kSecond, bound % kSecond};
  futex(flag, FUTEX_WAIT, 0, &time);
}

}  // namespace warden::attack
