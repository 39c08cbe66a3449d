// Calls of a host on descriptors that are the library's. ThreadSanitizer does not see them: it would take them for a
// race with the library's questions.
#ifndef WARDEN_TEST_SUPPORT_UNSEEN_CALLS_H_
#define WARDEN_TEST_SUPPORT_UNSEEN_CALLS_H_

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace warden::test_support {

inline bool close_unseen(int fd) { return ::syscall(SYS_close, fd) == 0; }
// Puts a copy of `by` in the place of `fd`.
inline bool replace_unseen(int fd, int by) { return ::syscall(SYS_dup3, by, fd, O_CLOEXEC) == fd; }

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_UNSEEN_CALLS_H_
