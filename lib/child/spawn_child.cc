#include "lib/child/spawn_child.h"

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "lib/base/os_error.h"
#include "lib/os/proc.h"
#include "lib/os/sys_fd.h"
#include "lib/spawn/command_options.h"
#include "lib/spawn/launcher.h"
#include "lib/spawn/spawn_plan.h"

namespace warden::internal {
namespace {

// Tells the reaper and the waiting caller whether the launch has succeeded.
void announce(Supervised& supervised, const SpawnPlan& plan, LaunchResult& launched) {
  {
    const Lock lock(supervised);
    if (launched.error != 0) {
      supervised.leader().abandon(lock);
    } else if (plan.containment == Containment::kTree) {
      supervised.begin_tree(lock, launched.child, launched.keeper, std::move(launched.socket));
    } else {
      supervised.begin(lock, launched.child, plan.leads_group);
    }
  }
  supervised.changes().wake_sleepers();
}

// Takes the first containment of the list that the system has.
LaunchResult launch_contained(SpawnPlan& plan, const std::vector<Containment>& containments, TimePoint deadline) {
  LaunchResult launched;
  for (const Containment containment : containments) {
    plan.contain(containment);
    launched = launch(plan, deadline);
    if (launched.error == 0 || launched.step != SpawnError::Step::kContain) break;
  }
  return launched;
}

// Launches on this thread, or on the reaper where the plan asks for it. Returns 0, or the errno of creating the reaper.
int start_and_launch(Handle& handle, SpawnPlan& plan, const std::vector<Containment>& containments, TimePoint deadline,
                     LaunchResult* launched) {
  Supervised& supervised = *handle.supervised;
  const auto launch_and_announce = [&] {
    *launched = launch_contained(plan, containments, deadline);
    announce(supervised, plan, *launched);
  };
  const int error =
      handle.reaper.start(handle.supervised, plan.launch_on_reaper ? ReaperTask(launch_and_announce) : ReaperTask());
  if (error != 0) return error;
  if (!plan.launch_on_reaper) {
    launch_and_announce();
    return 0;
  }
  Lock lock(supervised);
  supervised.leader().wait_until_begun(lock);
  return 0;
}

// Whether a wait finds the process only because this one traces it (ptrace(2)). False where /proc cannot tell.
bool is_traced_stranger(Sys& sys, int pid) {
  std::string status;
  int tracer = 0, parent = 0;
  return sys.read_proc(pid, "status", &status) == 0 && absl::SimpleAtoi(status_field(status, "TracerPid"), &tracer) &&
         tracer > 0 && absl::SimpleAtoi(status_field(status, "PPid"), &parent) && parent != ::getpid();
}

}  // namespace

Result<std::unique_ptr<Handle>, SpawnError> spawn_child(Sys& sys, const Command& command, const ExecImage* image,
                                                        TimePoint launch_deadline) {
  auto planned = make_spawn_plan(command, image);
  if (!planned) return std::move(planned).error();
  SpawnPlan& plan = *planned.value();
  const std::string& name = command.display_name();
  auto handle = std::make_unique<Handle>();
  handle->supervised = std::make_shared<Supervised>(sys, name);
  handle->supervised->set_stdin(std::move(plan.stdin_write), options_of(command).keep_stdin_open);
  handle->output = std::move(plan.output);
  if (handle->output != nullptr) {
    const int error = handle->output->start();
    if (error != 0) return failed_at(name, SpawnError::Step::kCreateReader, os_error(error));
  }
  const std::vector<Containment>& containments = options_of(command).containment;
  if (containments != std::vector<Containment>{Containment::kGroup}) handle->supervised->prepare_tree();
  LaunchResult launched;
  const int error = start_and_launch(*handle, plan, containments, launch_deadline, &launched);
  if (error != 0) return failed_at(name, SpawnError::Step::kCreateThread, os_error(error));
  if (launched.error != 0) return failed_launch(name, plan, launched);
  return handle;
}

Result<std::unique_ptr<Handle>, SpawnError> adopt_child(Sys& sys, int pid, std::string name) {
  if (name.empty()) name = absl::StrCat("pid ", pid);
  const std::string subject = absl::StrCat(pid);
  if (pid < 2) {
    SpawnError error = failed_at(name, SpawnError::Step::kAdopt, os_error(EINVAL));
    error.invalid_argument = InvalidArgument{"pid", absl::StrCat(pid), "no child has this number"};
    return error;
  }
  ChildId id{pid, -1};
  const auto is_ours = [&sys, &id] { return sys.look(id, Reap::kLeave).error == 0; };
  if (!is_ours()) return failed_at(name, SpawnError::Step::kAdopt, Errc::kNotAChild, subject);
  SysFd pidfd(sys, sys.pidfd_open(pid));
  id.pidfd = std::max(pidfd.get(), -1);
  const bool leads_group = sys.get_process_group(pid) == pid;
  // Somebody else may take the child at any time, and another process get the number: what was asked before is of the
  // child where that is still there.
  if (!is_ours() || is_traced_stranger(sys, pid)) {
    return failed_at(name, SpawnError::Step::kAdopt, Errc::kNotAChild, subject);
  }
  auto handle = std::make_unique<Handle>();
  handle->supervised = std::make_shared<Supervised>(sys, name);
  const int error = handle->reaper.start(handle->supervised, {});
  if (error != 0) return failed_at(name, SpawnError::Step::kCreateThread, os_error(error));
  pidfd.release();
  {
    const Lock lock(*handle->supervised);
    handle->supervised->begin(lock, id, leads_group);
  }
  handle->supervised->changes().wake_sleepers();
  return handle;
}

}  // namespace warden::internal
