// The stack on which a child runs until its exec.
#ifndef WARDEN_LIB_SPAWN_CHILD_STACK_H_
#define WARDEN_LIB_SPAWN_CHILD_STACK_H_

namespace warden::internal {

// A mapping of its own, with a guard page below: the thread that launches may have little stack left. The process keeps
// two for the next launches, so that a launch maps and faults nothing as a rule.
class ChildStack {
 public:
  ChildStack();
  ~ChildStack();
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;

  // Where it begins, for clone(2); null where there is no memory.
  char* top() const;

 private:
  char* base_;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SPAWN_CHILD_STACK_H_
