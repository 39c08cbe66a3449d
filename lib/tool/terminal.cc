#include "lib/tool/terminal.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace warden::tool {

bool owns_terminal() { return ::isatty(STDIN_FILENO) == 1 && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp(); }

// A process in the background that does this is stopped by SIGTTOU (tcsetpgrp(3)) unless it has blocked that.
void take_terminal_back() {
  sigset_t ttou, before;
  sigemptyset(&ttou);
  sigaddset(&ttou, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &ttou, &before);
  ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace warden::tool
