#include "lib/testing/process_census.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

namespace warden_testing::internal {
namespace {

// The numeric names in a directory but that of the descriptor which reads it. False when it cannot be read.
bool list_numbers(const char* directory_name, bool of_descriptors, std::set<int>* numbers) {
  DIR* const directory = ::opendir(directory_name);
  if (directory == nullptr) return false;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') numbers->insert(::atoi(entry->d_name));
  }
  if (of_descriptors) numbers->erase(::dirfd(directory));
  ::closedir(directory);
  return true;
}

bool list_descriptors(std::map<int, std::string>* descriptors) {
  std::set<int> numbers;
  if (!list_numbers("/proc/self/fd", true, &numbers)) return false;
  for (const int fd : numbers) {
    char target[PATH_MAX] = "";
    const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
    if (size > 0) (*descriptors)[fd] = std::string(target, static_cast<std::size_t>(size));
  }
  return true;
}

std::string thread_name(int tid) {
  char name[32] = "?";
  if (FILE* const file = ::fopen(("/proc/self/task/" + std::to_string(tid) + "/comm").c_str(), "re")) {
    if (::fscanf(file, "%31[^\n]", name) != 1) name[0] = '?';
    ::fclose(file);
  }
  return name;
}

bool list_threads(std::map<int, std::string>* threads) {
  std::set<int> tids;
  if (!list_numbers("/proc/self/task", false, &tids)) return false;
  for (const int tid : tids) (*threads)[tid] = thread_name(tid);
  return true;
}

ChildProcess read_child(int pid) {
  ChildProcess child;
  char text[512];
  FILE* const file = ::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "re");
  const std::size_t size = file == nullptr ? 0 : ::fread(text, 1, sizeof text, file);
  if (file != nullptr) ::fclose(file);
  const std::string line(text, size);
  const std::size_t open = line.find('('), close = line.rfind(')');  // the name may contain either
  if (open == std::string::npos || close == std::string::npos) return child;
  child.name = line.substr(open + 1, close - open - 1);
  ::sscanf(line.c_str() + close + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
           &child.state, &child.start_time);
  return child;
}

std::map<int, ChildProcess> list_children(const std::map<int, std::string>& threads) {
  std::map<int, ChildProcess> children;
  for (const auto& [tid, name] : threads) {
    FILE* const file = ::fopen(("/proc/self/task/" + std::to_string(tid) + "/children").c_str(), "re");
    if (file == nullptr) continue;
    for (int pid = 0; ::fscanf(file, "%d", &pid) == 1;) children[pid] = read_child(pid);
    ::fclose(file);
  }
  return children;
}

bool has_child_to_wait_for() {
  siginfo_t info = {};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
}

bool was_there(const ProcessCensus& before, int pid, const ChildProcess& child) {
  const auto found = before.children.find(pid);
  return found != before.children.end() && found->second.start_time == child.start_time;
}

bool has_more_threads(const ProcessCensus& before) {
  std::set<int> tids;
  list_numbers("/proc/self/task", false, &tids);
  for (const int tid : tids) {
    if (before.threads.count(tid) == 0) return true;
  }
  return false;
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
    found.push_back("a child process " + std::to_string(pid) + " (" + child.name + ", state " + child.state + ")");
  }
  if (after.has_child && after.children.empty() && !before.has_child) {
    found.emplace_back("a child process that waitid knows");
  }
  for (const auto& [fd, file] : after.descriptors) {
    if (before.descriptors.count(fd) == 0)
      found.push_back("extra descriptor " + std::to_string(fd) + " (" + file + ")");
  }
  for (const auto& [tid, name] : after.threads) {
    if (before.threads.count(tid) == 0) found.push_back("extra thread " + std::to_string(tid) + " (" + name + ")");
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

}  // namespace warden_testing::internal
