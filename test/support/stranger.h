// A process that has nothing to do with the library and got a number that a child of the library's had.
#ifndef WARDEN_TEST_SUPPORT_STRANGER_H_
#define WARDEN_TEST_SUPPORT_STRANGER_H_

#include <vector>

namespace warden::test_support {

// Tells of every signal that it gets, and lives through all but SIGKILL and SIGSTOP. A child of this process. In
// run_in_pid_namespace only.
class Stranger {
 public:
  // Gets the number if that is free, else another.
  Stranger(int number, bool leads_group);
  // Ends it and waits for it.
  ~Stranger();
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  int pid() const { return pid_; }

  // Every signal so far, once each; SIGKILL when it has died.
  std::vector<int> signals() const;

 private:
  int pid_ = -1;
  int read_fd_ = -1;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_STRANGER_H_
