// A process that is unrelated to the library and got the number of an ended child.
#ifndef WARDEN_TEST_SUPPORT_STRANGER_H_
#define WARDEN_TEST_SUPPORT_STRANGER_H_

#include <vector>

namespace warden::test_support {

// Records every signal that it gets, and survives all but SIGKILL and SIGSTOP. It is a child of this process. Only in
// run_in_pid_namespace.
class Stranger {
 public:
  // Gets this number if it is free, else another.
  Stranger(int number, bool leads_group);
  // Ends it and waits for it.
  ~Stranger();
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  int pid() const { return pid_; }

  // Returns every signal so far, once each; SIGKILL when it has died.
  std::vector<int> signals() const;

 private:
  int pid_ = -1;
  int read_fd_ = -1;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_STRANGER_H_
