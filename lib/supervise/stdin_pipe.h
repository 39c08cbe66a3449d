// The write end of the pipe to a child's stdin, and the threads that write to it. All of it is under the child's lock.
#ifndef WARDEN_LIB_SUPERVISE_STDIN_PIPE_H_
#define WARDEN_LIB_SUPERVISE_STDIN_PIPE_H_

#include <utility>

#include "lib/os/held_fd.h"
#include "lib/os/unique_fd.h"

namespace warden::internal {

class StdinPipe {
 public:
  void open(UniqueFd fd) { fd_ = HeldFd(std::move(fd)); }
  // -1 when there is no pipe, or it is closed, by the host behind our back, too.
  int fd() const { return closed_ ? -1 : fd_.get(); }

  // From now on nobody can write. The descriptor itself goes with the turn of the thread that writes, since another
  // file could get its number at once. True when there are users, which have to be told.
  bool close() {
    closed_ = true;
    if (!turn_is_taken_) fd_.reset();
    return users_ > 0;
  }
  // In a forked copy, which has none of the threads that write.
  void close_copy() { fd_.reset(); }

  // Whether wait, terminate and kill leave it open.
  bool stays_open = false;

  // The threads that write, or wait until they can or have to.
  void add_user() { ++users_; }
  void remove_user() { --users_; }

  // Writers take turns, so that what they write is not mixed.
  bool take_turn() { return turn_is_taken_ ? false : (turn_is_taken_ = true); }
  void begin_waiting_for_turn() { ++waiting_; }
  void end_waiting_for_turn() { --waiting_; }
  // True when others wait for a turn, which have to be told.
  bool end_turn() {
    turn_is_taken_ = false;
    if (closed_) fd_.reset();
    return waiting_ > 0;
  }

 private:
  HeldFd fd_;
  bool closed_ = false;
  bool turn_is_taken_ = false;
  int users_ = 0;
  int waiting_ = 0;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_STDIN_PIPE_H_
