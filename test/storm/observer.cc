#include "test/storm/observer.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <map>

namespace storm {
namespace {

std::string read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  ::close(fd);
  return text;
}

std::vector<std::string> numbers_in(const std::string& folder) {
  std::vector<std::string> numbers;
  DIR* const entries = ::opendir(folder.c_str());
  while (const dirent* entry = entries == nullptr ? nullptr : ::readdir(entries)) {
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') numbers.emplace_back(entry->d_name);
  }
  if (entries != nullptr) ::closedir(entries);
  return numbers;
}

bool is_dead(char state) { return state == 'Z' || state == 'X' || state == '\0'; }

bool has_variable(const std::string& environment, const std::string& variable) {
  return environment.compare(0, variable.size() + 1, variable + '\0') == 0 ||
         environment.find('\0' + variable + '\0') != std::string::npos;
}

// A thread of the process that lives, as a path; empty if there is none. The main thread may be gone alone.
std::string live_thread(const std::string& process, char state, int threads) {
  if (!is_dead(state)) return process;
  if (threads < 2) return {};
  for (const std::string& thread : numbers_in(process + "/task")) {
    const std::string path = process + "/task/" + thread;
    if (!is_dead(*stat_field(read_file(path + "/stat").c_str(), 3))) return path;
  }
  return {};
}

bool is_alive(int pid, uint64_t start) {
  const std::string path = "/proc/" + std::to_string(pid);
  const std::string stat = read_file(path + "/stat");
  return ::strtoull(stat_field(stat.c_str(), 22), nullptr, 10) == start &&
         !live_thread(path, *stat_field(stat.c_str(), 3), ::atoi(stat_field(stat.c_str(), 20))).empty();
}

bool has_ended(int pipe, int timeout_ms) {
  pollfd polled = {pipe, POLLIN, 0};
  return ::poll(&polled, 1, timeout_ms) == 1;
}

const Walker* walker_of(const Board& board, const Found& found) {
  for (int i = 0; i < board.walkers_known(); ++i) {
    if (board.walkers[i].pid == found.pid && board.walkers[i].start == found.start) return &board.walkers[i];
  }
  return nullptr;
}

// Waits until each walker that lives has seen that it may not move any more.
void settle(const Board& board) {
  const int64_t deadline = now_ns() + 1'000'000'000;
  for (int i = 0; i < board.walkers_known(); ++i) {
    const Walker& walker = board.walkers[i];
    while (walker.pid != 0 && !walker.settled && is_alive(walker.pid, walker.start) && now_ns() < deadline) {
      nap(1'000'000);
    }
  }
}

std::string inside_for(const Walker& walker, int64_t returned_ns) {
  if (walker.entered_ns == 0) return ", has not left yet";
  return ", came back " + std::to_string((returned_ns - walker.entered_ns) / 1000) + " us before the return, after " +
         std::to_string((walker.entering_ns - walker.left_ns) / 1000) + " us outside";
}

}  // namespace

std::vector<Found> live_processes(const std::string& id) {
  std::vector<Found> found;
  for (const std::string& number : numbers_in("/proc")) {
    const std::string path = "/proc/" + number;
    const std::string stat = read_file(path + "/stat");
    const char state = *stat_field(stat.c_str(), 3);
    const int threads = ::atoi(stat_field(stat.c_str(), 20));
    const std::string alive = live_thread(path, state, threads);
    if (alive.empty() || !has_variable(read_file(alive + "/environ"), "STORM_ID=" + id)) continue;
    Found one;
    one.pid = ::atoi(number.c_str());
    one.group = ::atoi(stat_field(stat.c_str(), 5));
    one.start = ::strtoull(stat_field(stat.c_str(), 22), nullptr, 10);
    one.text = "pid " + stat.substr(0, stat.rfind(')') + 1) + " state " + state + " group " +
               std::to_string(one.group) + " parent " + std::to_string(::atoi(stat_field(stat.c_str(), 4))) +
               " threads " + std::to_string(threads);
    found.push_back(std::move(one));
  }
  return found;
}

Sight look_for_members(const std::string& id, int group, Board& board, int pipe, int64_t returned_ns,
                       int64_t grace_ns) {
  board.frozen = true;
  std::map<int, Found> members;
  const auto take = [&](int scans) {
    for (int i = 0; i < scans; ++i) {
      for (Found& found : live_processes(id)) {
        const bool counts = found.pid == group || (found.group == group && walker_of(board, found) == nullptr);
        if (counts) members.emplace(found.pid, std::move(found));
      }
    }
  };
  take(1);
  settle(board);
  take(2);
  Sight sight;
  for (const auto& [pid, found] : members) sight.members.push_back(found.text);

  for (Found& found : live_processes(id)) {
    const Walker* const walker = walker_of(board, found);
    if (walker == nullptr || found.pid == group) continue;
    // In the group when the call returned: its last move in was over by then, and it has made none since.
    const bool was_inside = walker->entered_ns == 0 || walker->entered_ns <= returned_ns - grace_ns;
    if (found.group == group && walker->inside && was_inside) {
      if (walker->entered_ns != 0) ++sight.came_back;
      sight.members.push_back(found.text + inside_for(*walker, returned_ns));
      members.emplace(found.pid, std::move(found));
    } else {
      ++sight.moved;
    }
  }
  // A process that forks all the time may be missed by each scan. It holds the pipe, as every walker does.
  if (sight.members.empty() && board.walkers_known() == 0 && !has_ended(pipe, 2000)) {
    take(50);
    sight.members.push_back("a process holds the pipe 2 s later");
    for (const auto& [pid, found] : members) sight.members.push_back(found.text);
    sight.survivors = 1;
  }
  if (!members.empty()) {
    nap(300'000'000);
    // One that forks or executes may be missed by each.
    for (int scan = 0; scan < (sight.survivors == 0 ? 50 : 5); ++scan) {
      int left = 0;
      for (const Found& found : live_processes(id)) {
        if (found.group == group || found.pid == group) ++left;
      }
      sight.survivors = std::max(sight.survivors, left);
    }
  }
  return sight;
}

Sight look_for_tree(const std::string& id, Board& board, int pipe) {
  board.frozen = true;
  std::map<int, Found> members;
  const auto take = [&](int scans) {
    for (int i = 0; i < scans; ++i) {
      for (Found& found : live_processes(id)) members.emplace(found.pid, std::move(found));
    }
  };
  take(3);
  Sight sight;
  if (!has_ended(pipe, 2000)) {  // each process of it holds the pipe
    take(50);
    sight.members.push_back("a process holds the pipe 2 s later");
    sight.survivors = 1;
  }
  for (const auto& [pid, found] : members) sight.members.push_back(found.text);
  if (!members.empty()) {
    nap(300'000'000);
    sight.survivors = std::max(sight.survivors, static_cast<int>(live_processes(id).size()));
  }
  return sight;
}

std::vector<std::string> look_for_struck_walkers(const Board& board, int leader) {
  std::vector<std::string> struck;
  for (int i = 0; i < board.walkers_known(); ++i) {
    const Walker& walker = board.walkers[i];
    if (!walker.left || walker.pid == leader) continue;  // a leader outside of its group is signalled apart
    const std::string name = "pid " + std::to_string(walker.pid) + ", which had left the group, ";
    if (walker.signals != 0) {
      char mask[32];
      ::snprintf(mask, sizeof mask, "%llx", static_cast<unsigned long long>(walker.signals));
      struck.push_back(name + "got signals (mask " + mask + ")");
    } else if (!walker.ended && !is_alive(walker.pid, walker.start) && !walker.ended) {
      struck.push_back(name + "was killed");
    }
  }
  return struck;
}

}  // namespace storm
