// Closes a range of descriptors in a child between clone and exec, with raw system calls only.
#ifndef WARDEN_LIB_SPAWN_CLOSE_DESCRIPTORS_H_
#define WARDEN_LIB_SPAWN_CLOSE_DESCRIPTORS_H_

namespace warden::internal {

inline constexpr int kLastDescriptor = 0x7fffffff;

// Closes the open descriptors in [first, last]. close_range(2) where the kernel has it (Linux 5.9); else by the list in
// /proc/self/fd; else number by number up to the limit on open files.
// REQUIRES: the descriptor table is the caller's own.
void close_descriptors(int first, int last);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_CLOSE_DESCRIPTORS_H_
