#include "lib/spawn/child_stack.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>

namespace warden::internal {
namespace {

// For exec_child(), whose largest frame is a buffer for a listing of /proc/self/fd.
constexpr std::size_t kSize = 16 * 1024;

// Kept between launches; null while a launch uses it. The launch into a tree needs two.
std::atomic<char*> spares[2] = {};

std::size_t page_size() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

// The guard page, and as many pages as hold the stack.
std::size_t mapping_size() {
  const std::size_t page = page_size();
  return page + (kSize + page - 1) / page * page;
}

char* map_stack() {
  void* const base =
      ::mmap(nullptr, mapping_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (base == MAP_FAILED) return nullptr;
  if (::mprotect(base, page_size(), PROT_NONE) == 0) return static_cast<char*>(base);
  ::munmap(base, mapping_size());
  return nullptr;
}

}  // namespace

ChildStack::ChildStack() : base_(nullptr) {
  for (std::atomic<char*>& spare : spares) {
    if (base_ == nullptr && spare.load(std::memory_order_relaxed) != nullptr) base_ = spare.exchange(nullptr);
  }
  if (base_ == nullptr) base_ = map_stack();
}

ChildStack::~ChildStack() {
  for (std::atomic<char*>& spare : spares) {
    char* none = nullptr;
    if (base_ == nullptr || spare.compare_exchange_strong(none, base_)) return;
  }
  ::munmap(base_, mapping_size());
}

char* ChildStack::top() const { return base_ == nullptr ? nullptr : base_ + mapping_size(); }

}  // namespace warden::internal
