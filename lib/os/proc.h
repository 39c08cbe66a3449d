// Reads /proc, whatever is mounted there.
#ifndef WARDEN_LIB_OS_PROC_H_
#define WARDEN_LIB_OS_PROC_H_

#include <string>
#include <vector>

namespace warden::internal {

// The numeric names in /proc. False when it cannot be listed, is not the proc of our pid namespace, or may hide the
// processes of others.
bool list_proc(std::vector<int>* pids);

// The number that was given to a process last, in this pid namespace; or -errno.
int read_newest_pid();

// The numbers of a process's open descriptors; 0, or -errno.
int list_descriptors(int pid, std::vector<int>* fds);

// The text of a file; 0, or -errno.
int read_proc_file(const char* path, std::string* text);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PROC_H_
