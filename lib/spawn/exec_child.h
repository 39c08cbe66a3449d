// The child's side of a launch: from clone to exec, on the parent's memory.
//
// Runs with every signal blocked. Allocates nothing, calls nothing but raw system calls, and leaves only by execve or
// exit.
#ifndef WARDEN_LIB_SPAWN_EXEC_CHILD_H_
#define WARDEN_LIB_SPAWN_EXEC_CHILD_H_

#include <cstddef>
#include <cstdint>

#include "warden/error.h"

namespace warden::internal {

// One descriptor of the child.
struct DescriptorAction {
  enum class Kind {
    kKeep,  // the parent's descriptor of this number stays
    kCopy,
    kOpen,
    kReopen,  // the source, by its path
    kDuplicate,
  };
  Kind kind = Kind::kKeep;
  int target = -1;
  int source = -1;             // kCopy; may equal target. kDuplicate: another target, once that is filled
  const char* path = nullptr;  // kOpen, kReopen
  int flags = 0;               // of the path
  int staged = -1;             // scratch of the child: where the source is while targets are filled
};

struct LimitAction {
  int resource;
  struct {
    std::uint64_t soft, hard;  // struct rlimit64
  } value;
};

// Where and why the child stopped. Written by the child, read by the parent after the child has gone or has executed.
struct ExecFailure {
  SpawnError::Step step;
  int error;        // an errno; 0 while nothing has failed
  int subject;      // the descriptor, the index of the limit or the program, or the KeeperPart, that failed; -1: none
  bool is_at_exec;  // all steps but the last are done
};

// Everything that the child needs, prepared by the parent; it points into the parent's memory.
struct ExecChildArgs {
  const char* const* programs = nullptr;  // tried in this order, as execvp(3) does; a null at the end
  const char* const* argv = nullptr;
  const char** shell_argv = nullptr;  // null: a file of an unknown format fails. The second is scratch of the child
  const char* const* envp = nullptr;
  const char* cwd = nullptr;  // null: the parent's

  DescriptorAction* actions = nullptr;  // targets ascending, each once; 0, 1 and 2 are there
  std::size_t action_count = 0;
  int first_unused = 3;      // above every source: nothing from here on is needed
  bool shares_table = true;  // launched with CLONE_FILES
  int gate = -1;             // a socket, on which the keeper says that it is complete; -1: there is no keeper
  int gate_peer = -1;        // the keeper's end
  int pid = -1;              // written by a child at the gate: its own
  int exec_pipe = -1;        // open until the exec, close-on-exec, above every target; -1 for none
  bool inherit_descriptors = false;

  bool new_session = false;
  bool new_group = true;
  bool foreground = false;
  int foreground_before = 0;  // scratch of the child: the group from which it took the terminal
  bool die_with_parent = false;
  int parent_pid = 0;
  int umask = -1;  // -1: the parent's
  const LimitAction* limits = nullptr;
  std::size_t limit_count = 0;
  bool set_nice = false;
  int nice = 0;
  const unsigned long* affinity = nullptr;  // null: the parent's
  std::size_t affinity_size = 0;            // in bytes
  bool set_groups = false;
  const std::uint32_t* groups = nullptr;
  std::size_t group_count = 0;
  bool set_gid = false;
  std::uint32_t gid = 0;
  bool set_uid = false;
  std::uint32_t uid = 0;
  bool no_new_privileges = false;
  bool keep_ignored_signals = false;
  std::uint64_t signal_mask = 0;

  volatile ExecFailure* failure = nullptr;
};

// The function for clone(2); `args` is an ExecChildArgs. Does not return.
int exec_child(void* args);

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_EXEC_CHILD_H_
