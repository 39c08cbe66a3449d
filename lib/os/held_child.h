// A child by its number and its pidfd, which the host may close behind our back.
#ifndef WARDEN_LIB_OS_HELD_CHILD_H_
#define WARDEN_LIB_OS_HELD_CHILD_H_

#include "lib/os/file_identity.h"
#include "lib/os/sys.h"

namespace warden::internal {

class HeldChild {
 public:
  HeldChild() = default;
  HeldChild(const HeldChild&) = delete;
  HeldChild& operator=(const HeldChild&) = delete;

  // The owner of this closes the pidfd.
  void set(ChildId id) {
    given_ = id;
    file_ = FileIdentity::of_pidfd(id.pidfd);
  }
  int pid() const { return given_.pid; }
  // -1 where there is none, and where the host has closed it: another file may have its number.
  int pidfd() const { return has_lost_pidfd() ? -1 : given_.pidfd; }
  bool has_lost_pidfd() const { return given_.pidfd >= 0 && !file_.is_at(given_.pidfd); }
  // Whether it is the very pidfd, and not another one of the same process that the host has put in its place.
  bool has_own_pidfd() const { return given_.pidfd >= 0 && file_.is_the_same_at(given_.pidfd); }
  // False where nothing tells whether the pidfd is still ours: it passes for that.
  bool can_lose_pidfd() const { return file_.is_known(); }
  ChildId id() const { return {pid(), pidfd()}; }
  // Without a question whether the pidfd is still ours: for a call whose answer tells.
  const ChildId& given() const { return given_; }
  // The pidfd, which this does not hold any more.
  int release_pidfd() {
    const int fd = has_own_pidfd() ? given_.pidfd : -1;
    given_.pidfd = -1;
    return fd;
  }

 private:
  ChildId given_;
  FileIdentity file_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_HELD_CHILD_H_
