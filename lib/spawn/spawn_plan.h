// A Command made ready to launch: checked, resolved and laid out, so that nothing is allocated once the child exists.
#ifndef WARDEN_LIB_SPAWN_SPAWN_PLAN_H_
#define WARDEN_LIB_SPAWN_SPAWN_PLAN_H_

#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "lib/os/unique_fd.h"
#include "lib/output/output_pump.h"
#include "lib/spawn/environment.h"
#include "lib/spawn/exec_child.h"
#include "lib/spawn/reopened_pipe.h"
#include "warden/command.h"
#include "warden/error.h"
#include "warden/result.h"

namespace warden::internal {

struct SpawnPlan {
  std::vector<std::string> paths;     // what may be the program
  std::vector<const char*> programs;  // the same
  std::optional<Environment> environment;
  std::vector<const char*> argv;
  std::vector<const char*> shell_argv;
  std::vector<const char*> envp;
  std::vector<DescriptorAction> actions;
  ReopenedPipes reopened;
  std::vector<LimitAction> limits;
  std::vector<unsigned long> affinity;  // a bit for each processor
  std::string processors;               // the same as text

  UniqueFd stdin_read;   // closed after the launch
  UniqueFd stdin_write;  // the Child's

  std::unique_ptr<OutputPump> output;  // the Child's; null when nothing is captured
  UniqueFd output_write[3];            // by number; closed after the launch

  Containment containment = Containment::kGroup;
  bool opens_files = false;  // which may take for ever
  bool leads_group = true;
  // A change of ids in shared memory would clear the parent's dumpable flag for good (prctl(2), PR_SET_DUMPABLE).
  bool own_memory = false;
  // The parent-death signal belongs to the thread that launches (prctl(2)).
  bool launch_on_reaper = false;
  bool dies_with_parent = false;

  ExecChildArgs child;  // points into the rest, and into the command

  // How the next launch contains the child.
  void contain(Containment chosen);

  // Makes the child inherit its pipes, because it could not open them. False if it inherits them already.
  bool inherit_pipes();

  // The path, resource, value, id or call at which the child failed; empty where there is none.
  std::string subject_of(SpawnError::Step step, int subject) const;
};

// A step of the launch that failed, and the value that it was about.
SpawnError failed_at(const std::string& process_name, SpawnError::Step step, std::error_code code,
                     std::string subject = {});

// Arguments and environment that the child gets as they stand, in the form that execve(2) takes.
struct ExecImage {
  const char* const* argv;
  const char* const* envp;
};

// Checks the command, looks up the program, snapshots the environment and creates the pipes. With an image the program
// is a path, and the command's own arguments and environment do not count. The plan points into the command and the
// image, and is valid as long as those.
Result<std::unique_ptr<SpawnPlan>, SpawnError> make_spawn_plan(const Command& command,
                                                               const ExecImage* image = nullptr);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_SPAWN_PLAN_H_
