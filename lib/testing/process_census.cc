#include "lib/testing/process_census.h"

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <thread>

#include "lib/base/printable.h"
#include "lib/os/proc.h"

namespace warden::testing::internal {
namespace {

using warden::internal::list_numbers;
using warden::internal::printable;
using warden::internal::read_proc_file;

// Empty when the file cannot be read.
std::string text_of(const std::string& path) {
  std::string text;
  return read_proc_file(path.c_str(), &text) == 0 ? text : std::string();
}

// Leaves out the descriptor that read the list: it is closed by now, so that readlink fails.
bool list_descriptors(std::map<int, std::string>* descriptors) {
  std::vector<int> numbers;
  if (list_numbers("/proc/self/fd", &numbers) != 0) return false;
  for (const int fd : numbers) {
    char target[PATH_MAX] = "";
    const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
    if (size > 0) (*descriptors)[fd] = std::string(target, static_cast<std::size_t>(size));
  }
  return true;
}

std::string thread_name(int tid) {
  const std::string text = text_of("/proc/self/task/" + std::to_string(tid) + "/comm");
  const std::string name = text.substr(0, text.rfind('\n'));  // the last one is not the name's
  return name.empty() ? "?" : name;
}

bool list_threads(std::map<int, std::string>* threads) {
  std::vector<int> tids;
  if (list_numbers("/proc/self/task", &tids) != 0) return false;
  for (const int tid : tids) (*threads)[tid] = thread_name(tid);
  return true;
}

// The children of one thread; `task` is its folder in /proc.
std::map<int, ProcessStat> children_of(const std::string& task) {
  std::map<int, ProcessStat> children;
  std::istringstream pids(text_of(task + "/children"));
  for (int pid = 0; pids >> pid;) {
    const std::string stat = text_of("/proc/" + std::to_string(pid) + "/stat");
    children[pid] = warden::internal::parse_stat(stat).value_or(ProcessStat{});
  }
  return children;
}

// All that are below a process.
void add_tree(int pid, std::map<int, ProcessStat>* found) {
  std::vector<int> tids;
  list_numbers(("/proc/" + std::to_string(pid) + "/task").c_str(), &tids);
  for (const int tid : tids) {
    for (const auto& [child, stat] : children_of("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid))) {
      if (found->emplace(child, stat).second) add_tree(child, found);
    }
  }
}

// In place of the keeper of a tree whoever is in the tree; the keeper alone where nobody is.
std::map<int, ProcessStat> list_children(const std::map<int, std::string>& threads) {
  std::map<int, ProcessStat> children;
  for (const auto& [tid, name] : threads) {
    for (const auto& [pid, stat] : children_of("/proc/self/task/" + std::to_string(tid))) {
      const std::size_t known = children.size();
      if (stat.program == "warden_keeper") add_tree(pid, &children);
      if (children.size() == known) children[pid] = stat;
    }
  }
  return children;
}

// Before Linux 4.7 waitid(2) does not know __WALL.
bool has_child_to_wait_for() {
  siginfo_t info = {};
  const int options = WEXITED | WNOHANG | WNOWAIT;
  if (::waitid(P_ALL, 0, &info, options | __WALL) == 0) return true;
  return errno != ECHILD && (::waitid(P_ALL, 0, &info, options) == 0 || errno != ECHILD);
}

bool was_there(const ProcessCensus& before, int pid, const ProcessStat& child) {
  const auto found = before.children.find(pid);
  return found != before.children.end() && found->second.start_time == child.start_time;
}

bool has_more_threads(const ProcessCensus& before) {
  std::vector<int> tids;
  list_numbers("/proc/self/task", &tids);
  return std::any_of(tids.begin(), tids.end(), [&before](int tid) { return before.threads.count(tid) == 0; });
}

}  // namespace

ProcessCensus ProcessCensus::take() {
  ProcessCensus taken;
  taken.pid = ::getpid();
  taken.is_known = list_threads(&taken.threads) && list_descriptors(&taken.descriptors);
  taken.children = list_children(taken.threads);
  taken.has_child = has_child_to_wait_for();
  return taken;
}

std::vector<std::string> find_leaks(const ProcessCensus& before, const ProcessCensus& after) {
  std::vector<std::string> found;
  for (const auto& [pid, child] : after.children) {
    if (was_there(before, pid, child)) continue;
    found.push_back("a child process " + std::to_string(pid) + " (" + printable(child.program) + ", state " +
                    child.state + ")");
  }
  if (after.has_child && after.children.empty() && !before.has_child) {
    found.emplace_back("a child process that waitid knows");
  }
  for (const auto& [fd, file] : after.descriptors) {
    if (before.descriptors.count(fd) == 0)
      found.push_back("extra descriptor " + std::to_string(fd) + " (" + printable(file) + ")");
  }
  for (const auto& [tid, name] : after.threads) {
    if (before.threads.count(tid) == 0)
      found.push_back("extra thread " + std::to_string(tid) + " (" + printable(name) + ")");
  }
  if (!before.is_known || !after.is_known) found.emplace_back("what cannot be known: /proc/self cannot be read");
  return found;
}

void wait_for_threads(const ProcessCensus& before, std::chrono::milliseconds bound) {
  const auto give_up = std::chrono::steady_clock::now() + bound;
  while (has_more_threads(before) && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace warden::testing::internal
