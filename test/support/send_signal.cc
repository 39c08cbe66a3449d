#include "test/support/send_signal.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace warden::test_support {

bool send_signal_by_number(int pid, int signal) { return ::syscall(SYS_kill, pid, signal) == 0; }

}  // namespace warden::test_support
