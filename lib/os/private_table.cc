#include "lib/os/private_table.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <exception>

#include "absl/base/dynamic_annotations.h"
#include "lib/os/kernel_abi.h"
#include "lib/os/thread.h"

namespace warden::internal {
namespace {

// How many numbers the thread frees in its copy of a full table.
constexpr int kFreed = 16;

struct Errand {
  const std::function<void()>& work;
  bool done = false;
  std::exception_ptr thrown = nullptr;
};

extern "C" void* run_errand(void* argument) {
  Errand& errand = *static_cast<Errand*>(argument);
  if (!leave_shared_table()) return nullptr;
  // ThreadSanitizer knows one table only: it takes the descriptors of this one for those that other threads use.
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_BEGIN();
  try {
    errand.work();
  } catch (...) {
    errand.thrown = std::current_exception();
  }
  ABSL_ANNOTATE_IGNORE_READS_AND_WRITES_END();
  errand.done = true;
  return nullptr;
}

}  // namespace

bool leave_shared_table() {
  // The kernel makes an empty table: it copies nothing, so there is nothing to close.
  if (::syscall(SYS_close_range, 0u, ~0u, kCloseRangeUnshare) == 0) return true;
  // Before Linux 5.9: a copy, which keeps open what the host closes meanwhile, until this thread ends.
  if (::unshare(CLONE_FILES) != 0) return false;
  for (int fd = 0; fd < kFreed; ++fd) ::close(fd);
  return true;
}

bool run_in_private_table(const std::function<void()>& work) {
  Errand errand{work};
  pthread_t thread;
  if (start_thread(&thread, run_errand, &errand) != 0) return false;
  pthread_join(thread, nullptr);
  if (errand.thrown != nullptr) std::rethrow_exception(errand.thrown);
  return errand.done;
}

}  // namespace warden::internal
