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

namespace warden_testing::internal {

// A process of its own, "warden_guard", in a session of its own, with none of this process's descriptors. When this
// process is gone it sends SIGKILL to the group of every child that it watches (to a child that leads none: to it
// alone), until nobody is left or 3 s have passed; then it ends. An exec is no end: the process lives on, and is
// guarded. A process that has left its child's group is not ended.
//
// The host does not notice it: no SIGCHLD, and no wait returns it but one with __WALL or __WCLONE. It is a copy of this
// process's memory, which is as it was at the start (shared until written; mappings of files and of other processes
// stay mapped).
//
// Thread-safe. In a forked copy of this process it does nothing: a death test's end is not this process's.
class Guard {
 public:
  // Blocks: for a fork. Errors: those of socketpair(2), pidfd_open(2) (Linux 5.3) and clone(2).
  static warden::Result<std::unique_ptr<Guard>, std::error_code> start();

  // Ends the guard and reaps it; kills nobody. Blocks: until it has gone; after 3 s it is killed.
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // Has the child's group ended when this process is gone; when this returns without an error, that holds. Nothing is
  // to be undone when the child has ended: it is forgotten once nobody of its group is left. Of a child that is ended,
  // with its group, there is nothing to watch, and no error.
  // Blocks: until the guard has answered; 10 s at most. Errors: ESRCH when the child has ended and its group cannot be
  // named any more (before Linux 6.9); EBADF when the child has no pidfd; ENOSPC with 1,024 children; EMFILE where the
  // guard's limit is reached; ETIMEDOUT; EPIPE when the guard is gone; Errc::kEmptyHandle, kNotOwner.
  std::error_code watch(const warden::Child& child);

  // False in a forked copy of the process that started it.
  bool is_ours() const { return warden::internal::is_this_process(owner_); }

  // Its number, as long as this lives.
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

}  // namespace warden_testing::internal

#endif  // WARDEN_LIB_TESTING_GUARD_H_
