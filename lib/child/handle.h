// What a Child owns: the shared state of its process, the thread that waits for it, and the one that reads its output.
#ifndef WARDEN_LIB_CHILD_HANDLE_H_
#define WARDEN_LIB_CHILD_HANDLE_H_

#include <exception>
#include <memory>
#include <utility>

#include "lib/os/owner.h"
#include "lib/output/output_pump.h"
#include "lib/supervise/reaper.h"
#include "lib/supervise/supervised.h"
#include "warden/termination_policy.h"

namespace warden::internal {

// What the destructor of a Child does with a child whose end the program has not seen.
enum class OnDestruction { kReport, kTerminate, kDetach };

struct Handle {
  const Owner owner = this_process();
  std::shared_ptr<Supervised> supervised;
  Reaper reaper;
  std::unique_ptr<OutputPump> output;                        // null when nothing is captured
  OnDestruction on_destruction = OnDestruction::kReport;     // under the child's lock
  TerminationPolicy end_policy;                              // of kTerminate; under the child's lock
  const int exceptions_before = std::uncaught_exceptions();  // in flight when the handle was made

  void terminate_on_destruction(const Lock&, TerminationPolicy policy) {
    end_policy = std::move(policy);
    on_destruction = OnDestruction::kTerminate;
  }
  // Whether the destructor is to end the child.
  bool ends_on_destruction(const Lock& lock) const {
    return !supervised->is_end_seen(lock) && on_destruction != OnDestruction::kDetach;
  }
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_HANDLE_H_
