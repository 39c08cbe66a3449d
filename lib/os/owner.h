// The process that a handle belongs to. A fork copies handles, but not the reaper threads behind them, and the parent
// goes on using its own: in a forked copy a handle must do nothing.
#ifndef WARDEN_LIB_OS_OWNER_H_
#define WARDEN_LIB_OS_OWNER_H_

#include <cstdint>

namespace warden::internal {

// Identifies a process among those that it was forked from and that are forked from it, from the first child that it
// starts. Not its pid, which repeats across pid namespaces and over time. Never 0.
using Owner = std::uint64_t;

// This process.
Owner this_process();

// Whether `owner` is this process. Takes no lock: another thread may have held it at the fork.
bool is_this_process(Owner owner);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_OWNER_H_
