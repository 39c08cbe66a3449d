// The thread that waits for one child.
#ifndef WARDEN_LIB_SUPERVISE_REAPER_H_
#define WARDEN_LIB_SUPERVISE_REAPER_H_

#include <pthread.h>

#include <memory>

#include "lib/supervise/supervised.h"

namespace warden::internal {

// The thread starts before its child exists, so that a failing thread creation never orphans a child. It waits until
// the supervision begins (or is abandoned), then until the child has ended, publishes that, and ends. All signals are
// blocked in it.
class Reaper {
 public:
  Reaper() = default;
  ~Reaper();  // joins or detaches as finish() does

  // 0, or the errno of pthread_create. `task` may be empty.
  int start(std::shared_ptr<Supervised> supervised, ReaperTask task);

  // In a forked copy, which has no such thread: nothing is to be joined or detached. Takes no lock.
  void forget();

  // Joins the thread if the exit is published (or the supervision abandoned), else leaves it to reap on its own. Leaves
  // it, too, where it waits outside the lock and does not end within a second. Where it may wait for a file of the
  // host, which has got the number of its pidfd, another thread reaps in its place; it holds all that it uses until it
  // wakes, if ever.
  void finish();

 private:
  enum class Prospect { kEnds, kGoesOn, kIsLost };
  Prospect prospect();

  std::shared_ptr<Supervised> supervised_;
  pthread_t thread_ = {};
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_REAPER_H_
