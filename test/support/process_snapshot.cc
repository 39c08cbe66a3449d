#include "test/support/process_snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "test/support/process_setting.h"

namespace warden::testing {
namespace {

std::set<int> numbers_in(const std::string& directory_name) {
  std::set<int> numbers;
  DIR* directory = ::opendir(directory_name.c_str());
  if (directory == nullptr) return numbers;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') numbers.insert(::atoi(entry->d_name));
  }
  numbers.erase(::dirfd(directory));
  ::closedir(directory);
  return numbers;
}

std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> descriptors;
  for (int fd : numbers_in("/proc/self/fd")) {
    char target[PATH_MAX] = "";
    const ssize_t size = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target);
    if (size > 0) descriptors[fd] = std::string(target, static_cast<size_t>(size));
  }
  return descriptors;
}

std::set<int> thread_ids() {
  std::set<int> threads;
  DIR* directory = ::opendir("/proc/self/task");
  if (directory == nullptr) return threads;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] != '.') threads.insert(::atoi(entry->d_name));
  }
  ::closedir(directory);
  return threads;
}

// "S test_child".
std::string describe_process(int pid) {
  char name[32] = "?";
  char state = '?';
  if (FILE* file = ::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "re")) {
    if (::fscanf(file, "%*d (%31[^)]) %c", name, &state) != 2) state = '?';
    ::fclose(file);
  }
  return std::string(1, state) + " " + name;
}

std::map<int, std::string> child_processes(const std::set<int>& threads) {
  std::map<int, std::string> children;
  for (int tid : threads) {
    FILE* file = ::fopen(("/proc/self/task/" + std::to_string(tid) + "/children").c_str(), "re");
    if (file == nullptr) continue;
    for (int pid = 0; ::fscanf(file, "%d", &pid) == 1;) children[pid] = describe_process(pid);
    ::fclose(file);
  }
  return children;
}

bool any_child_to_wait_for() {
  siginfo_t info = {};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0 || errno != ECHILD;
}

std::string text_of(int number) { return std::to_string(number); }
const std::string& text_of(const std::string& name) { return name; }

template <class Map>
void compare_maps(const std::string& what, const Map& before, const Map& after, std::vector<std::string>* found) {
  for (const auto& [key, value] : after) {
    const auto old = before.find(key);
    if (old == before.end()) {
      found->push_back("extra " + what + text_of(key) + " (" + value + ")");
    } else if (old->second != value) {
      found->push_back("changed " + what + text_of(key) + " (" + old->second + " became " + value + ")");
    }
  }
  for (const auto& [key, value] : before) {
    if (after.count(key) == 0) found->push_back("missing " + what + text_of(key) + " (" + value + ")");
  }
}

bool has_more_threads(const ProcessSnapshot& before) {
  for (int tid : thread_ids()) {
    if (before.threads.count(tid) == 0) return true;
  }
  return false;
}

}  // namespace

ProcessSnapshot ProcessSnapshot::take() {
  ProcessSnapshot taken;
  taken.threads = thread_ids();
  taken.children = child_processes(taken.threads);
  taken.has_child = any_child_to_wait_for();
  taken.descriptors = open_descriptors();
  taken.setting = process_setting();
  return taken;
}

std::vector<std::string> differences(const ProcessSnapshot& before, const ProcessSnapshot& after) {
  std::vector<std::string> found;
  for (const auto& [pid, text] : after.children)
    found.push_back("a child process " + std::to_string(pid) + " (" + text + ")");
  if (after.has_child && after.children.empty()) found.push_back("a child process that waitid knows");
  compare_maps("descriptor ", before.descriptors, after.descriptors, &found);
  for (int tid : after.threads) {
    if (before.threads.count(tid) == 0) found.push_back("extra thread " + std::to_string(tid));
  }
  compare_maps("", before.setting, after.setting, &found);
  return found;
}

std::vector<std::string> differences_once_settled(const ProcessSnapshot& before) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (has_more_threads(before) && std::chrono::steady_clock::now() < give_up) ::sched_yield();
  return differences(before, ProcessSnapshot::take());
}

}  // namespace warden::testing
