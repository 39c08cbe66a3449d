#include "test/attack/found_keeper.h"

#include <poll.h>
#include <unistd.h>

#include "test/attack/process.h"
#include "test/attack/shared.h"

namespace warden::attack {
namespace {

bool untouchable(int pid) {
  for (int i = 0; i < shared->untouchable_count; ++i) {
    if (shared->untouchable[i] == pid) return true;
  }
  return pid <= 1;
}

}  // namespace

Keeper own_keeper() {
  for (int pid = getppid(); !untouchable(pid); pid = parent_of(pid)) {
    const int pidfd = open_process(pid);
    if (pidfd < 0) break;
    pollfd ended = {pidfd, POLLIN, 0};
    if (read_file(proc(pid, "comm")) == "warden_keeper\n" && poll(&ended, 1, 0) == 0) return {pid, pidfd};
    close(pidfd);
  }
  return {};
}

}  // namespace warden::attack
