// The write end of the pipe to a child's stdin, and who writes to it. All of it under the child's lock.
#ifndef WARDEN_LIB_INTERNAL_STDIN_PIPE_H_
#define WARDEN_LIB_INTERNAL_STDIN_PIPE_H_

#include "lib/internal/unique_fd.h"

namespace warden::internal {

class StdinPipe {
 public:
  void open(UniqueFd fd) { fd_ = std::move(fd); }
  // -1 when there is none, or it is closed.
  int fd() const { return closed_ ? -1 : fd_.get(); }

  // For everybody, at once. The descriptor itself, whose number could be somebody else's next, goes with the turn of
  // him who writes. True when there are writers, who have to be told.
  bool close() {
    closed_ = true;
    if (!turn_is_taken_) fd_.reset();
    return writers_ > 0;
  }
  // In a forked copy, which has none of the threads that write.
  void close_copy() { fd_.reset(); }

  // Whether wait, terminate and kill leave it open.
  bool stays_open = false;

  // Writers take turns, so that what they write is not mixed.
  void add_writer() { ++writers_; }
  bool take_turn() { return turn_is_taken_ ? false : (turn_is_taken_ = true); }
  void end_turn() {
    turn_is_taken_ = false;
    if (closed_) fd_.reset();
  }
  // True when there are others, who have to be told.
  bool remove_writer() { return --writers_ > 0; }

 private:
  UniqueFd fd_;
  bool closed_ = false;
  bool turn_is_taken_ = false;
  int writers_ = 0;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_INTERNAL_STDIN_PIPE_H_
