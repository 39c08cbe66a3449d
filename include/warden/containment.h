// How much of what a child starts is held, and ended with it.
#ifndef WARDEN_CONTAINMENT_H_
#define WARDEN_CONTAINMENT_H_

#include <iosfwd>
#include <string_view>

namespace warden {

// What a spawn asks for (Command::containment), and what a child has got (Child::containment).
enum class Containment {
  // The child's process group. A process that leaves it (setsid(2), setpgid(2): a daemon, a job of an interactive
  // shell, timeout(1)) is not held.
  kGroup,
  // All that the child starts, directly or not, wherever it goes: a process of the library's, the keeper, stands
  // between this process and the child, and every orphan of the tree becomes its child (PR_SET_CHILD_SUBREAPER,
  // prctl(2)). It also ends the tree when this process is gone, however that went. docs/containment.md says what child
  // and host see of it. Linux 5.9, and /proc with the lists of children (CONFIG_PROC_CHILDREN).
  kTree,
};

// "group", "tree".
std::string_view to_string(Containment containment);
std::ostream& operator<<(std::ostream& out, Containment containment);

}  // namespace warden

#endif  // WARDEN_CONTAINMENT_H_
