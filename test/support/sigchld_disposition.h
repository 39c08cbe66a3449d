// Sets the host's disposition of SIGCHLD, and restores the old one at its end.
#ifndef WARDEN_TEST_SUPPORT_SIGCHLD_DISPOSITION_H_
#define WARDEN_TEST_SUPPORT_SIGCHLD_DISPOSITION_H_

#include <signal.h>

namespace warden::test_support {

class SigchldDisposition {
 public:
  SigchldDisposition(void (*handler)(int), int flags) {
    struct sigaction action = {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigaction(SIGCHLD, &action, &before_);
  }
  ~SigchldDisposition() { ::sigaction(SIGCHLD, &before_, nullptr); }
  SigchldDisposition(const SigchldDisposition&) = delete;
  SigchldDisposition& operator=(const SigchldDisposition&) = delete;

 private:
  struct sigaction before_ = {};
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_SIGCHLD_DISPOSITION_H_
