#include "test/benchmark/parent_state.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test/benchmark/measure.h"

namespace warden::benchmark {

TouchedHeap::TouchedHeap(std::size_t bytes)
    : bytes_(bytes),
      memory_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
  require(memory_ != MAP_FAILED, "no memory for the heap");
  ::madvise(memory_, bytes_, MADV_NOHUGEPAGE);
  ::memset(memory_, 1, bytes_);
}

TouchedHeap::~TouchedHeap() { ::munmap(memory_, bytes_); }

OpenFiles::OpenFiles(int count) {
  allow_many_files();
  for (int i = 0; i < count; ++i) {
    fds_.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    require(fds_.back() >= 0, "cannot open so many files");
  }
}

OpenFiles::~OpenFiles() {
  for (const int fd : fds_) ::close(fd);
}

void allow_many_files() {
  rlimit limit = {};
  require(::getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  require(::setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

}  // namespace warden::benchmark
