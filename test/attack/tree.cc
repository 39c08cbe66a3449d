#include "test/attack/tree.h"

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/attack/process.h"

namespace warden::attack {
namespace {

constexpr std::int64_t kLifetime = 120 * kSecond;

}  // namespace

Tree::Tree() {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) abort();
  marker = Fd(ends[0]);
  write_end = Fd(ends[1]);
  memory = Fd(memfd_create("tree_attack", MFD_CLOEXEC));
  if (ftruncate(memory.get(), sizeof(Shared)) != 0) abort();
  void* const at = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (at == MAP_FAILED) abort();
  board = static_cast<Shared*>(at);
  board->deadline = now() + kLifetime;
  board->outer_group = getpgrp();
  for (int pid = getpid(); pid > 0 && board->untouchable_count < 64; pid = parent_of(pid)) {
    board->untouchable[board->untouchable_count++] = pid;
  }
}

Tree::~Tree() { munmap(board, sizeof(Shared)); }

bool Tree::hung_up(int bound_ms) const {
  pollfd pipe = {marker.get(), POLLIN, 0};
  return poll(&pipe, 1, bound_ms) == 1 && (pipe.revents & POLLHUP) != 0;
}

bool Tree::holds(int pid) const {
  struct stat facts = {};
  fstat(marker.get(), &facts);
  const std::string link = "pipe:[" + std::to_string(facts.st_ino) + "]";
  const std::string folder = proc(pid, "fd");
  DIR* const fds = opendir(folder.c_str());
  bool found = false;
  while (const dirent* entry = fds == nullptr ? nullptr : readdir(fds)) {
    char target[64] = {};
    const std::string path = folder + "/" + entry->d_name;
    found = found || (readlink(path.c_str(), target, sizeof(target) - 1) > 0 && link == target);
  }
  if (fds != nullptr) closedir(fds);
  return found;
}

std::vector<int> Tree::holders() const {
  std::vector<int> found;
  DIR* const all = opendir("/proc");
  while (const dirent* entry = all == nullptr ? nullptr : readdir(all)) {
    const int pid = atoi(entry->d_name);
    if (pid > 1 && pid != getpid() && holds(pid)) found.push_back(pid);
  }
  if (all != nullptr) closedir(all);
  return found;
}

std::string Tree::describe_holders() const {
  std::string text;
  for (const int pid : holders()) text += "    left: " + read_file(proc(pid, "stat")).substr(0, 60) + "\n";
  return text.empty() ? "    nobody is left any more\n" : text;
}

void Tree::end_survivors() const {
  raise_flag(board->stop);
  for (int round = 0; round < 200 && !hung_up(50); ++round) {
    for (const int pid : holders()) {
      const Fd process(open_process(pid));
      if (process.get() >= 0 && holds(pid)) send_signal(process.get(), SIGKILL);
    }
  }
}

}  // namespace warden::attack
