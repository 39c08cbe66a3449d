#include "lib/child/spawn_child.h"

#include <errno.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "lib/base/os_error.h"
#include "lib/os/sys_fd.h"
#include "lib/spawn/launcher.h"
#include "lib/spawn/spawn_plan.h"

namespace warden::internal {
namespace {

// Tells the reaper and the caller what came of the launch.
void announce(Supervised& child, const SpawnPlan& plan, const LaunchResult& launched) {
  {
    const Lock lock(child);
    if (launched.error == 0) {
      child.begin(lock, launched.child, plan.leads_group);
    } else {
      child.leader().abandon(lock);
    }
  }
  child.changes().wake_sleepers();
}

// Launches here, or on the reaper where the plan asks for it. 0, or the errno of the reaper's creation.
int start_and_launch(Handle& handle, SpawnPlan& plan, LaunchResult* launched) {
  Supervised& child = *handle.child;
  const auto launch_and_announce = [&child, &plan, launched] {
    *launched = launch(plan);
    announce(child, plan, *launched);
  };
  const int error =
      handle.reaper.start(handle.child, plan.launch_on_reaper ? ReaperTask(launch_and_announce) : ReaperTask());
  if (error != 0) return error;
  if (!plan.launch_on_reaper) {
    launch_and_announce();
    return 0;
  }
  Lock lock(child);
  child.leader().wait_until_begun(lock);
  return 0;
}

}  // namespace

Result<std::unique_ptr<Handle>, SpawnError> spawn_child(Sys& sys, const Command& command) {
  auto planned = make_spawn_plan(command);
  if (!planned) return std::move(planned).error();
  SpawnPlan& plan = *planned.value();
  const std::string& name = command.display_name();
  auto handle = std::make_unique<Handle>();
  handle->child = std::make_shared<Supervised>(sys, name);
  handle->child->set_stdin(std::move(plan.stdin_write), command.options().keep_stdin_open);
  handle->output = std::move(plan.output);
  if (handle->output != nullptr) {
    const int error = handle->output->start();
    if (error != 0) return failed_at(name, SpawnStep::kCreateReader, os_error(error));
  }
  LaunchResult launched;
  const int error = start_and_launch(*handle, plan, &launched);
  if (error != 0) return failed_at(name, SpawnStep::kCreateThread, os_error(error));
  if (launched.error != 0) {
    return failed_at(name, launched.step, os_error(launched.error), plan.subject_of(launched.step, launched.subject));
  }
  return handle;
}

Result<std::unique_ptr<Handle>, SpawnError> adopt_child(Sys& sys, int pid, std::string name) {
  if (name.empty()) name = absl::StrCat("pid ", pid);
  const std::string value = absl::StrCat(pid);
  if (pid < 2) {
    SpawnError error = failed_at(name, SpawnStep::kAdopt, os_error(EINVAL), value);
    error.field = "pid";
    error.reason = "no child has this number";
    return error;
  }
  const auto is_ours = [&sys](ChildId child) { return sys.look(child, Reap::kLeave).error == 0; };
  ChildId child{pid, -1};
  if (!is_ours(child)) return failed_at(name, SpawnStep::kAdopt, Errc::kNotAChild, value);
  SysFd pidfd(sys, sys.pidfd_open(pid));
  child.pidfd = std::max(pidfd.get(), -1);
  // Gone in between: the number may be somebody else's.
  if (!is_ours(child)) return failed_at(name, SpawnStep::kAdopt, Errc::kNotAChild, value);
  auto handle = std::make_unique<Handle>();
  handle->child = std::make_shared<Supervised>(sys, name);
  const int error = handle->reaper.start(handle->child, {});
  if (error != 0) return failed_at(name, SpawnStep::kCreateThread, os_error(error));
  pidfd.release();
  {
    const Lock lock(*handle->child);
    handle->child->begin(lock, child, sys.get_process_group(pid) == pid);
  }
  handle->child->changes().wake_sleepers();
  return handle;
}

}  // namespace warden::internal
