// Brings a child under supervision: a new one, or one that is already there.
#ifndef WARDEN_LIB_CHILD_SPAWN_CHILD_H_
#define WARDEN_LIB_CHILD_SPAWN_CHILD_H_

#include <memory>
#include <string>

#include "lib/child/handle.h"
#include "lib/spawn/spawn_plan.h"
#include "warden/command.h"
#include "warden/error.h"
#include "warden/result.h"

namespace warden::internal {

// On failure nothing is left: no thread, no process, no descriptor. `launch_deadline`: see launch().
Result<std::unique_ptr<Handle>, SpawnError> spawn_child(Sys& sys, const Command& command,
                                                        const ExecImage* image = nullptr,
                                                        TimePoint launch_deadline = TimePoint::max());

// On failure the process is as it was.
Result<std::unique_ptr<Handle>, SpawnError> adopt_child(Sys& sys, int pid, std::string name);

}  // namespace warden::internal

#endif  // WARDEN_LIB_CHILD_SPAWN_CHILD_H_
