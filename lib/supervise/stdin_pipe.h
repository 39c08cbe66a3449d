// The write end of the pipe to a child's stdin, and who writes to it. All of it under the child's lock.
#ifndef WARDEN_LIB_SUPERVISE_STDIN_PIPE_H_
#define WARDEN_LIB_SUPERVISE_STDIN_PIPE_H_

#include "lib/os/unique_fd.h"

namespace warden::internal {

class StdinPipe {
 public:
  void open(UniqueFd fd) { fd_ = std::move(fd); }
  // -1 when there is none, or it is closed.
  int fd() const { return closed_ ? -1 : fd_.get(); }

  // For everybody, at once. The descriptor itself, whose number could be somebody else's next, goes with the turn of
  // him who writes. True when there are users, who have to be told.
  bool close() {
    closed_ = true;
    if (!turn_is_taken_) fd_.reset();
    return users_ > 0;
  }
  // In a forked copy, which has none of the threads that write.
  void close_copy() { fd_.reset(); }

  // Whether wait, terminate and kill leave it open.
  bool stays_open = false;

  // Those who write, or wait until they can or have to.
  void add_user() { ++users_; }
  void remove_user() { --users_; }

  // Writers take turns, so that what they write is not mixed.
  bool take_turn() { return turn_is_taken_ ? false : (turn_is_taken_ = true); }
  void begin_waiting_for_turn() { ++waiting_; }
  void end_waiting_for_turn() { --waiting_; }
  // True when others wait for it, who have to be told.
  bool end_turn() {
    turn_is_taken_ = false;
    if (closed_) fd_.reset();
    return waiting_ > 0;
  }

 private:
  UniqueFd fd_;
  bool closed_ = false;
  bool turn_is_taken_ = false;
  int users_ = 0;
  int waiting_ = 0;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_STDIN_PIPE_H_
