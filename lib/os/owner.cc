#include "lib/os/owner.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>

namespace warden::internal {
namespace {

using Cell = std::atomic<Owner>;
static_assert(Cell::is_always_lock_free && sizeof(Cell) <= 4096);

// A page that the kernel zeroes in a forked copy (MADV_WIPEONFORK, Linux 4.14). Made at the first use and kept for the
// life of the process; null before that and where the kernel cannot wipe.
std::atomic<Cell*> wiped_cell{nullptr};
std::atomic<bool> cannot_wipe{false};
// The number of owners so far, in this process and those that it was forked from.
std::atomic<Owner> count{0};

Cell* make_wiped_cell() {
  void* const page = ::mmap(nullptr, sizeof(Cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return nullptr;
  if (::madvise(page, sizeof(Cell), MADV_WIPEONFORK) == 0) return static_cast<Cell*>(page);
  ::munmap(page, sizeof(Cell));
  return nullptr;
}

// Null where only the pid tells forked copies apart.
Cell* cell() {
  Cell* known = wiped_cell.load(std::memory_order_acquire);
  if (known != nullptr || cannot_wipe.load(std::memory_order_relaxed)) return known;
  Cell* const made = make_wiped_cell();
  if (made == nullptr) {
    cannot_wipe.store(true, std::memory_order_relaxed);
    return nullptr;
  }
  if (wiped_cell.compare_exchange_strong(known, made, std::memory_order_acq_rel)) return made;
  ::munmap(made, sizeof(Cell));  // another thread was quicker
  return known;
}

constexpr Owner kIsPid = Owner{1} << 63;

Owner by_pid() { return kIsPid | static_cast<Owner>(::getpid()); }

}  // namespace

Owner this_process() {
  Cell* const owner = cell();
  if (owner == nullptr) return by_pid();
  Owner value = owner->load(std::memory_order_relaxed);
  if (value != 0) return value;
  // A fork copies the count and wipes the cell, so the copy gets a number that no process before it had.
  const Owner fresh = count.fetch_add(1, std::memory_order_relaxed) + 1;
  return owner->compare_exchange_strong(value, fresh, std::memory_order_relaxed) ? fresh : value;
}

bool is_this_process(Owner owner) {
  if ((owner & kIsPid) != 0) return owner == by_pid();
  return owner == wiped_cell.load(std::memory_order_acquire)->load(std::memory_order_relaxed);
}

}  // namespace warden::internal
