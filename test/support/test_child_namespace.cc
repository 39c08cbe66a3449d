// The mode of test_child that makes a pid namespace.
#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_child.h"

int new_pids_mode(const Arguments& arguments) {
  if (unshare(CLONE_NEWPID) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) usage("no pid namespace");
  const pid_t init = fork();
  if (init < 0) usage("fork failed");
  if (init == 0) {
    ack_as_forked_child();
    _exit(run_mode(arguments));
  }
  int status = 0;
  while (waitpid(init, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
