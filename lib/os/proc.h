// Reads /proc, which may be missing, another pid namespace's, or hide processes.
#ifndef WARDEN_LIB_OS_PROC_H_
#define WARDEN_LIB_OS_PROC_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace warden::internal {

// Calls `visit` for the numeric names in /proc (see Sys::visit_processes()). `newest_now`: the number that the kernel
// has given last, at each call.
bool visit_proc(int newest, const std::function<int()>& newest_now, const std::function<bool(int pid)>& visit);

// The numeric names in a directory: processes, threads or descriptors. 0, or -errno when some may be missing.
int list_numbers(const char* path, std::vector<int>* numbers);

// The text of a file; 0, or -errno.
int read_proc_file(const char* path, std::string* text);

// The value of one line of a status file (/proc/<pid>/status, proc(5)); empty when there is no such line.
absl::string_view status_field(absl::string_view status, absl::string_view name);

}  // namespace warden::internal

#endif  // WARDEN_LIB_OS_PROC_H_
