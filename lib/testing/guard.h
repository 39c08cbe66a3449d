// Ends the children of a test process that dies, however it dies.
//
// Example:
//   auto guard = Guard::start();
//   if (!guard) return report(guard.error());
//   warden::Child child = warden::Child::spawn(command).value();
//   if (const std::error_code error = guard.value()->watch(child)) report(error);
//   ...  // from here on: SIGKILL to this process, and the child's whole group is ended
//   guard.value().reset();  // after the children's end
#ifndef WARDEN_LIB_TESTING_GUARD_H_
#define WARDEN_LIB_TESTING_GUARD_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <system_error>

#include "lib/os/owner.h"
#include "lib/os/unique_fd.h"
#include "lib/testing/group_claim.h"
#include "lib/testing/guard_message.h"
#include "warden/child.h"
#include "warden/result.h"

namespace warden::testing::internal {

// Runs a guard process, "warden_guard", in a session of its own, with none of this process's descriptors. When this
// process has ended, the guard sends SIGKILL to the group of every child that it watches (to the child alone where it
// leads no group), until no member is left or 3 s have passed; then it exits. An exec of this process is no end: the
// guard goes on watching. The guard does not end a process that has left its child's group.
//
// The host does not notice the guard: it gets no SIGCHLD, and only a wait with __WALL or __WCLONE returns the guard.
// The guard has a copy of this process's memory as it was at the start (shared until written; mappings of files and
// those shared with other processes stay mapped).
//
// Thread-safe. In a forked copy of this process it does nothing: when a death test's process ends, this process lives
// on.
class Guard {
 public:
  // Blocks: for a fork. Errors: those of socketpair(2), pidfd_open(2) (Linux 5.3) and clone(2).
  static warden::Result<std::unique_ptr<Guard>, std::error_code> start();

  // Stops the guard process without killing any child, and reaps it. Blocks: until the guard has exited; after 3 s it
  // is killed.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // Has the guard end the child's group when this process has ended; once this returns without an error, that holds.
  // The caller has nothing to undo when the child ends: the guard forgets it once no member of its group is left. A
  // child that has ended with its whole group leaves nothing to watch, and is no error.
  // Blocks: until the guard has answered; 10 s at most. Errors: ESRCH when the child has ended and its group cannot be
  // named any more (before Linux 6.9); EBADF when the child has no pidfd; ENOSPC with 1,024 children; EMFILE when the
  // guard has reached its limit of descriptors; ETIMEDOUT; EPIPE when the guard is gone; Errc::kEmptyHandle, kNotOwner.
  std::error_code watch(const warden::Child& child);

  // False in a forked copy of the process that started the guard.
  bool is_ours() const { return warden::internal::is_this_process(owner_); }

  // The guard's pid, which is valid as long as this object lives.
  int pid() const { return pid_; }

 private:
  using UniqueFd = warden::internal::UniqueFd;

  Guard(int pid, UniqueFd pidfd, UniqueFd socket);
  int ask(const GroupClaim& claim);
  int wait_for_answer(std::uint32_t number);
  void wait_for_end();

  const warden::internal::Owner owner_ = warden::internal::this_process();
  const int pid_;
  const UniqueFd pidfd_;
  const UniqueFd socket_;
  std::mutex mutex_;
  std::uint32_t last_number_ = 0;
};

}  // namespace warden::testing::internal

#endif  // WARDEN_LIB_TESTING_GUARD_H_
