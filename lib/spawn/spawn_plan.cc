#include "lib/spawn/spawn_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "lib/base/os_error.h"
#include "lib/keeper/protocol.h"
#include "lib/os/pipe.h"
#include "lib/os/raw_syscall.h"
#include "lib/spawn/command_check.h"
#include "lib/spawn/command_options.h"

namespace warden::internal {
namespace {

std::vector<const char*> argv_of(const Command& command) {
  std::vector<const char*> argv;
  argv.reserve(command.arguments().size() + 2);
  const std::optional<std::string>& argv0 = options_of(command).argv0;
  argv.push_back((argv0.has_value() ? *argv0 : command.program()).c_str());
  for (const std::string& argument : command.arguments()) argv.push_back(argument.c_str());
  argv.push_back(nullptr);
  return argv;
}

DescriptorAction keep(int target) {
  DescriptorAction action;
  action.target = target;
  return action;
}

DescriptorAction copy_of(int source, int target) {
  DescriptorAction action;
  action.kind = DescriptorAction::Kind::kCopy;
  action.source = source;
  action.target = target;
  return action;
}

DescriptorAction duplicate_of(int other_target, int target) {
  DescriptorAction action = copy_of(other_target, target);
  action.kind = DescriptorAction::Kind::kDuplicate;
  return action;
}

DescriptorAction open_of(const char* path, int flags, int target) {
  DescriptorAction action;
  action.kind = DescriptorAction::Kind::kOpen;
  action.path = path;
  action.flags = flags;
  action.target = target;
  return action;
}

int open_flags(const Stdio& stdio, int target) {
  if (target == STDIN_FILENO) return O_RDONLY;
  return O_WRONLY | O_CREAT | (stdio.mode() == Stdio::FileMode::kAppend ? O_APPEND : O_TRUNC);
}

// The child opens /dev/null and files itself, in its own table: the numbers are low there, and the parent's table is
// not touched. It opens /dev/null for both directions, since it may use a closed stream that it inherits for either.
DescriptorAction action_for(const Stdio& stdio, int target, SpawnPlan* plan) {
  switch (stdio.kind()) {
    case Stdio::Kind::kFd:
      return copy_of(stdio.descriptor(), target);
    case Stdio::Kind::kPipe:
      return copy_of(plan->stdin_read.get(), target);
    case Stdio::Kind::kCapture:
      return copy_of(plan->output_write[target].get(), target);
    case Stdio::Kind::kMerge:
      return duplicate_of(STDOUT_FILENO, target);
    case Stdio::Kind::kFile:
      plan->opens_files = true;
      return open_of(stdio.path().c_str(), open_flags(stdio, target), target);
    case Stdio::Kind::kInherit: {
      const int flags = ::fcntl(target, F_GETFD);
      if (flags == 0) return keep(target);
      if (flags > 0) return copy_of(target, target);
      break;
    }
    case Stdio::Kind::kNull:
      break;
  }
  return open_of("/dev/null", O_RDWR, target);
}

int create_stdin_pipe(SpawnPlan* plan) {
  Pipe pipe;
  const int error = make_pipe(&pipe);
  plan->stdin_read = std::move(pipe.read_end);
  plan->stdin_write = std::move(pipe.write_end);
  return error;
}

int create_output_pipes(const CommandOptions& options, SpawnPlan* plan) {
  for (const int target : {STDOUT_FILENO, STDERR_FILENO}) {
    const Stdio& stdio = options.stdio[target];
    if (stdio.kind() != Stdio::Kind::kCapture) continue;
    if (plan->output == nullptr) plan->output = std::make_unique<OutputPump>();
    const OutputStream stream = target == STDOUT_FILENO ? OutputStream::kStdout : OutputStream::kStderr;
    const int error = plan->output->add(stream, stdio.capture_options(), &plan->output_write[target]);
    if (error != 0) return error;
  }
  return 0;
}

int first_unused_of(const std::vector<DescriptorAction>& actions) {
  int first_unused = 3;
  for (const DescriptorAction& action : actions) {
    if (action.kind == DescriptorAction::Kind::kReopen) continue;
    first_unused = std::max(first_unused, action.source + 1);
  }
  return first_unused;
}

void plan_descriptors(const CommandOptions& options, SpawnPlan* plan) {
  plan->actions.reserve(3 + options.inherited_fds.size());
  for (int target = 0; target < 3; ++target) plan->actions.push_back(action_for(options.stdio[target], target, plan));
  for (const InheritedFd& inherited : options.inherited_fds) {
    plan->actions.push_back(copy_of(inherited.source, inherited.target));
  }
  std::sort(plan->actions.begin(), plan->actions.end(),
            [](const DescriptorAction& a, const DescriptorAction& b) { return a.target < b.target; });
  if (!options.inherit_descriptors) {  // else the whole table is copied anyway
    plan->reopened.plan({plan->stdin_read.get(), plan->output_write[1].get(), plan->output_write[2].get()},
                        &plan->actions);
  }
  plan->child.inherit_descriptors = options.inherit_descriptors;
  plan->child.first_unused = first_unused_of(plan->actions);
  plan->child.actions = plan->actions.data();
  plan->child.action_count = plan->actions.size();
}

void plan_credentials(const Credentials& credentials, SpawnPlan* plan) {
  ExecChildArgs& child = plan->child;
  plan->own_memory = true;
  child.set_uid = credentials.uid.has_value();
  child.uid = credentials.uid.value_or(0);
  child.set_gid = credentials.gid.has_value();
  child.gid = credentials.gid.value_or(0);
  child.set_groups = credentials.groups.has_value() || child.set_uid || child.set_gid;
  if (!credentials.groups.has_value()) return;
  child.groups = credentials.groups->data();
  child.group_count = credentials.groups->size();
}

// 0, or an errno.
int plan_program(const Command& command, SpawnPlan* plan) {
  const Environment& environment = plan->environment.emplace(options_of(command).env_changes);
  FoundPrograms found = find_programs(command.program(), environment);
  if (found.error != 0) return found.error;
  plan->paths = std::move(found.paths);
  plan->argv = argv_of(command);
  plan->envp = environment.pointers();
  plan->child.argv = plan->argv.data();
  plan->child.envp = plan->envp.data();
  if (options_of(command).shell_fallback) {
    // As execvp(3) runs a file of an unknown format; the child puts that file's path in the second place.
    plan->shell_argv = {"/bin/sh", nullptr};
    plan->shell_argv.insert(plan->shell_argv.end(), plan->argv.begin() + 1, plan->argv.end());
    plan->child.shell_argv = plan->shell_argv.data();
  }
  return 0;
}

void plan_affinity(const std::vector<int>& processors, SpawnPlan* plan) {
  constexpr std::size_t kBits = 8 * sizeof(unsigned long);
  for (const int processor : processors) {
    const std::size_t word = static_cast<std::size_t>(processor) / kBits;
    if (word >= plan->affinity.size()) plan->affinity.resize(word + 1);
    plan->affinity[word] |= 1UL << (static_cast<std::size_t>(processor) % kBits);
  }
  plan->processors = absl::StrJoin(processors, ",");
  plan->child.affinity = plan->affinity.data();
  plan->child.affinity_size = plan->affinity.size() * sizeof(unsigned long);
}

// Of this thread, by the raw call: also the C library's own signals.
std::uint64_t signal_mask() {
  std::uint64_t mask = 0;
  raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, 0, as_argument(&mask), sizeof mask);
  return mask;
}

bool is_in_tree_for_sure(const CommandOptions& options) {
  return options.containment == std::vector<Containment>{Containment::kTree};
}

void plan_setting(const CommandOptions& options, SpawnPlan* plan) {
  ExecChildArgs& child = plan->child;
  plan->leads_group = options.group || options.new_session;
  // In a tree the parent is the keeper.
  plan->launch_on_reaper = options.die_with_parent && !is_in_tree_for_sure(options);
  child.new_session = options.new_session;
  child.new_group = options.group;
  child.foreground = options.foreground;
  plan->dies_with_parent = options.die_with_parent;
  if (options.umask.has_value()) child.umask = static_cast<int>(*options.umask);
  for (const ResourceLimit& limit : options.limits) plan->limits.push_back({limit.resource, {limit.soft, limit.hard}});
  child.limits = plan->limits.data();
  child.limit_count = plan->limits.size();
  child.set_nice = options.nice.has_value();
  child.nice = options.nice.value_or(0);
  if (options.cpu_affinity.has_value()) plan_affinity(*options.cpu_affinity, plan);
  child.no_new_privileges = options.no_new_privileges;
  child.keep_ignored_signals = options.keep_ignored_signals;
  if (options.keep_signal_mask) child.signal_mask = signal_mask();
  if (options.credentials.has_value()) plan_credentials(*options.credentials, plan);
  if (options.cwd.has_value()) child.cwd = options.cwd->c_str();
}

// The call that a system has refused, or what it was for.
const char* text_of(KeeperPart part) {
  switch (part) {
    case KeeperPart::kNamespace:
      return "the host's children are in another pid namespace";
    case KeeperPart::kSocket:
      return "socketpair";
    case KeeperPart::kImage:
      return "memfd_create";
    case KeeperPart::kHostPidfd:
    case KeeperPart::kPidfd:
      return "pidfd_open";
    case KeeperPart::kStack:
      return "mmap";
    case KeeperPart::kClone:
      return "clone";
    case KeeperPart::kGroup:
      return "setpgid";
    case KeeperPart::kSubreaper:
      return "prctl(PR_SET_CHILD_SUBREAPER)";
    case KeeperPart::kTable:
      return "close_range(CLOSE_RANGE_UNSHARE)";
    case KeeperPart::kDescriptors:
      return "dup3";
    case KeeperPart::kExec:
      return "execveat";
    case KeeperPart::kDisposition:
      return "rt_sigaction";
    case KeeperPart::kSignals:
      return "signalfd4";
    case KeeperPart::kChildren:
      return "/proc/thread-self/children";
    case KeeperPart::kWait:
      return "wait4";
    case KeeperPart::kLook:
      return "waitid";
    case KeeperPart::kKill:
      return "kill";
    case KeeperPart::kSendSignal:
      return "pidfd_send_signal";
    case KeeperPart::kSelect:
      return "pselect6";
    case KeeperPart::kReceive:
      return "recvfrom";
    case KeeperPart::kNone:
    case KeeperPart::kUnknown:
      break;
  }
  return "the keeper has ended";
}

}  // namespace

SpawnError failed_at(const std::string& process_name, SpawnError::Step step, std::error_code code,
                     std::string subject) {
  SpawnError error;
  error.code = code;
  error.step = step;
  error.process_name = process_name;
  error.subject = std::move(subject);
  return error;
}

// The program dies with a keeper that somebody kills: it is the tree's only root.
void SpawnPlan::contain(Containment chosen) {
  containment = chosen;
  child.gate = child.gate_peer = child.pid = -1;
  child.die_with_parent = dies_with_parent || chosen == Containment::kTree;
  child.parent_pid = child.die_with_parent ? ::getpid() : 0;
}

bool SpawnPlan::inherit_pipes() {
  if (!reopened.give_up(&actions)) return false;
  child.first_unused = first_unused_of(actions);
  return true;
}

std::string SpawnPlan::subject_of(SpawnError::Step step, int subject) const {
  switch (step) {
    case SpawnError::Step::kContain:
      return text_of(static_cast<KeeperPart>(subject));
    case SpawnError::Step::kExec:
      return paths[static_cast<std::size_t>(std::max(subject, 0))];  // none: the child was killed
    case SpawnError::Step::kChangeDirectory:
      return child.cwd;
    case SpawnError::Step::kOpenFile:
      return actions[static_cast<std::size_t>(subject)].path;  // files are opened for 0, 1 and 2 only
    case SpawnError::Step::kSetDescriptor:
      return absl::StrCat(subject);
    case SpawnError::Step::kSetLimit:
      return absl::StrCat("resource ", limits[static_cast<std::size_t>(subject)].resource);
    case SpawnError::Step::kSetNice:
      return absl::StrCat(child.nice);
    case SpawnError::Step::kSetAffinity:
      return processors;
    case SpawnError::Step::kSetGid:
      return absl::StrCat(child.gid);
    case SpawnError::Step::kSetUid:
      return absl::StrCat(child.uid);
    default:
      return {};
  }
}

Result<std::unique_ptr<SpawnPlan>, SpawnError> make_spawn_plan(const Command& command, const ExecImage* image) {
  if (auto found = check_command(command)) return *std::move(found);
  const std::string& name = command.display_name();
  auto plan = std::make_unique<SpawnPlan>();
  if (image != nullptr) {
    plan->paths = {command.program()};
    plan->child.argv = image->argv;
    plan->child.envp = image->envp;
  } else if (const int error = plan_program(command, plan.get())) {
    return failed_at(name, SpawnError::Step::kResolveProgram, os_error(error), command.program());
  }
  for (const std::string& path : plan->paths) plan->programs.push_back(path.c_str());
  plan->programs.push_back(nullptr);
  plan->child.programs = plan->programs.data();
  if (options_of(command).stdio[0].kind() == Stdio::Kind::kPipe) {
    const int error = create_stdin_pipe(plan.get());
    if (error != 0) return failed_at(name, SpawnError::Step::kCreatePipe, os_error(error));
  }
  if (const int error = create_output_pipes(options_of(command), plan.get())) {
    return failed_at(name, SpawnError::Step::kCreatePipe, os_error(error));
  }
  plan_descriptors(options_of(command), plan.get());
  plan_setting(options_of(command), plan.get());
  return plan;
}

}  // namespace warden::internal
