#include "lib/spawn/reopened_pipe.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace warden::internal {
namespace {

// Below this number, copying the table costs less than an open.
constexpr int kHigh = 256;

// The directory of this thread's descriptors, by a path that holds for every process with the same /proc, whatever pid
// namespace that /proc belongs to; empty without /proc. Not the process's directory: a thread can have a table of its
// own. Linux 3.17.
std::string own_descriptors() {
  char target[PATH_MAX];
  const ssize_t size = ::readlink("/proc/thread-self", target, sizeof target);
  if (size <= 0 || size == sizeof target) return {};
  return absl::StrCat("/proc/", std::string(target, static_cast<std::size_t>(size)), "/fd/");
}

bool is_among(int fd, const std::vector<int>& fds) { return std::find(fds.begin(), fds.end(), fd) != fds.end(); }

}  // namespace

void ReopenedPipes::plan(const std::vector<int>& sources, std::vector<DescriptorAction>* actions) {
  if (std::all_of(sources.begin(), sources.end(), [](int fd) { return fd < kHigh; })) return;
  const std::string directory = own_descriptors();
  if (directory.empty()) return;
  paths_.reserve(sources.size());  // the actions point into it
  for (DescriptorAction& action : *actions) {
    if (action.kind != DescriptorAction::Kind::kCopy || !is_among(action.source, sources)) continue;
    paths_.push_back(absl::StrCat(directory, action.source));
    action.kind = DescriptorAction::Kind::kReopen;
    action.path = paths_.back().c_str();
    action.flags = action.target == STDIN_FILENO ? O_RDONLY : O_WRONLY;
  }
}

bool ReopenedPipes::give_up(std::vector<DescriptorAction>* actions) {
  if (paths_.empty()) return false;
  for (DescriptorAction& action : *actions) {
    if (action.kind == DescriptorAction::Kind::kReopen) action.kind = DescriptorAction::Kind::kCopy;
  }
  paths_.clear();
  return true;
}

}  // namespace warden::internal
