// A signal to every process of a tree, once.
#ifndef WARDEN_LIB_KEEPER_TREE_SIGNAL_H_
#define WARDEN_LIB_KEEPER_TREE_SIGNAL_H_

namespace warden::internal {

struct TreeSignal {
  long proc;  // a descriptor of /proc
  int signal;
  int program;        // the keeper's own child; 0 once it was collected, when its number may be another's
  bool by_group;      // the program leads a group
  int signalled = 0;  // how many processes got it
  int error = 0;      // the first that was refused: the errno, and the process; 0 where it is about the walk
  int refused_pid = 0;
};

// Signals everybody of the tree through a pidfd, but for the program's group, if it has one and the host is not in it:
// that gets the signal at once, by its number, after the others, which counts its members first. A process that is born
// or leaves the group meanwhile may be missed.
//
// Whoever is below the keeper stays there until it ends, since orphans become the keeper's children. So a process is of
// the tree where its parent is: the walk opens a pidfd, asks for the parent, and asks then whether both still live,
// which shows that neither number has become a stranger's.
void signal_tree(TreeSignal& order);

// The group that the host is in, which gets no signal; 0 where that cannot be known, or the host is gone.
int group_of_host();

}  // namespace warden::internal

#endif  // WARDEN_LIB_KEEPER_TREE_SIGNAL_H_
