// One tree, as the outer program sees it: the pipe that every member holds, the memory, and who is left.
#ifndef WARDEN_TEST_ATTACK_TREE_H_
#define WARDEN_TEST_ATTACK_TREE_H_

#include <string>
#include <vector>

#include "test/attack/fd.h"
#include "test/attack/shared.h"

namespace warden::attack {

class Tree {
 public:
  Tree();
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;
  ~Tree();

  // Whether no process has the write end.
  bool hung_up(int bound_ms = 0) const;

  bool holds(int pid) const;

  // Who is left. For messages and to clean up; no check rests on it.
  std::vector<int> holders() const;
  std::string describe_holders() const;

  // Ends what the library has not: by asking, and then by SIGKILL to processes that have this tree's pipe.
  void end_survivors() const;

  Fd marker, write_end, memory;
  Shared* board = nullptr;
};

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_TREE_H_
