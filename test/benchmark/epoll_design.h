// The baseline for crowds: one thread that watches the pidfds of all children by epoll(7), with the same launcher and
// the same promises, except for the log.
#ifndef WARDEN_TEST_BENCHMARK_EPOLL_DESIGN_H_
#define WARDEN_TEST_BENCHMARK_EPOLL_DESIGN_H_

#include <vector>

#include "lib/os/sys.h"
#include "warden/command.h"

namespace warden::benchmark {

class EpollDesign {
 public:
  EpollDesign();
  ~EpollDesign();  // REQUIRES: all have been terminated
  EpollDesign(const EpollDesign&) = delete;
  EpollDesign& operator=(const EpollDesign&) = delete;

  void spawn(const Command& command);

  // Sends SIGTERM and SIGCONT to each group, waits for each leader and reaps it, and requires that each group is empty:
  // by its pidfd, and by one reading of /proc for the groups that the kernel does not call empty.
  void terminate_all();

 private:
  void reap(internal::ChildId child);

  const int epoll_;
  std::vector<internal::ChildId> children_;
  std::vector<int> maybe_live_;  // the groups that the kernel does not call empty
};

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_EPOLL_DESIGN_H_
