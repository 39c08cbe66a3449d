// The report mode of test_child: what a process can find out about itself.
//
// Keys: pid ppid pgrp sid; SigBlk SigIgn SigCgt Threads NoNewPrivs Cpus_allowed_list (proc(5)); umask cwd nice
// pdeathsig dumpable; uid gid (real effective saved), groups (ascending); limit.N (soft hard, or -1); fd.N (dev:ino
// close-on-exec status-flags target); argv.N; env.N
// ("NAME=VALUE", in order). Backslash and newline are written as \\ and \n.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "test_child.h"

namespace {

class Report {
 public:
  void line(const std::string& key, const std::string& value) {
    text_ += key + "=";
    for (char c : value) {
      if (c == '\n') {
        text_ += "\\n";
      } else {
        if (c == '\\') text_ += '\\';
        text_ += c;
      }
    }
    text_ += "\n";
  }
  void line(const std::string& key, long value) { line(key, std::to_string(value)); }

  int send(int fd) {
    text_ += "end\n";
    for (size_t sent = 0; sent < text_.size();) {
      const ssize_t count = ::write(fd, text_.data() + sent, text_.size() - sent);
      if (count < 0) return 98;
      sent += static_cast<size_t>(count);
    }
    return 0;
  }

 private:
  std::string text_;
};

std::string read_file(const char* path) {
  std::string text;
  char buffer[4096];
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  for (ssize_t count = 0; (count = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  close(fd);
  return text;
}

void report_status_file(Report* report) {
  const std::string status = "\n" + read_file("/proc/self/status");
  for (const std::string key : {"SigBlk", "SigIgn", "SigCgt", "Threads", "NoNewPrivs", "Cpus_allowed_list"}) {
    const size_t at = status.find("\n" + key + ":\t");
    if (at == std::string::npos) continue;
    const size_t from = at + key.size() + 3;
    report->line(key, status.substr(from, status.find('\n', from) - from));
  }
}

void report_identity(Report* report) {
  report->line("pid", getpid());
  report->line("ppid", getppid());
  report->line("pgrp", getpgrp());
  report->line("sid", getsid(0));
  uid_t uid[3];
  gid_t gid[3];
  getresuid(&uid[0], &uid[1], &uid[2]);
  getresgid(&gid[0], &gid[1], &gid[2]);
  const auto three = [](const unsigned* ids) {
    return std::to_string(ids[0]) + " " + std::to_string(ids[1]) + " " + std::to_string(ids[2]);
  };
  report->line("uid", three(uid));
  report->line("gid", three(gid));
  std::vector<gid_t> groups(static_cast<size_t>(getgroups(0, nullptr)));
  if (!groups.empty()) getgroups(static_cast<int>(groups.size()), groups.data());
  std::sort(groups.begin(), groups.end());
  std::string list;
  for (gid_t group : groups) list += (list.empty() ? "" : " ") + std::to_string(group);
  report->line("groups", list);
}

void report_setting(Report* report) {
  const mode_t mask = umask(0);
  umask(mask);
  char octal[16];
  snprintf(octal, sizeof octal, "%04o", mask);
  report->line("umask", octal);
  char directory[4096] = "";
  report->line("cwd", getcwd(directory, sizeof directory) != nullptr ? directory : "?");
  report->line("nice", getpriority(PRIO_PROCESS, 0));
  int signal = 0;
  prctl(PR_GET_PDEATHSIG, &signal);
  report->line("pdeathsig", signal);
  report->line("dumpable", prctl(PR_GET_DUMPABLE));
}

void report_limits(Report* report) {
  const auto text = [](rlim_t value) { return value == RLIM_INFINITY ? std::string("-1") : std::to_string(value); };
  for (int resource = 0; resource < static_cast<int>(RLIM_NLIMITS); ++resource) {
    struct rlimit limit;
    if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) continue;
    report->line("limit." + std::to_string(resource), text(limit.rlim_cur) + " " + text(limit.rlim_max));
  }
}

void report_descriptor_line(Report* report, int fd) {
  struct stat info = {};
  if (fstat(fd, &info) != 0) return;
  char target[4096] = "";
  const ssize_t size = readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), target, sizeof target - 1);
  target[size > 0 ? size : 0] = '\0';
  char text[4352];
  snprintf(text, sizeof text, "%llu:%llu %d %d %s", static_cast<unsigned long long>(info.st_dev),
           static_cast<unsigned long long>(info.st_ino), fcntl(fd, F_GETFD), fcntl(fd, F_GETFL), target);
  report->line("fd." + std::to_string(fd), text);
}

// Used where the test's seccomp filter forbids listing.
std::vector<int> low_descriptors() {
  std::vector<int> open;
  for (int fd = 0; fd < 4096; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) open.push_back(fd);
  }
  return open;
}

void report_descriptors(Report* report) {
  std::vector<int> open;
  DIR* directory = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(directory)) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd(directory)) open.push_back(fd);
  }
  closedir(directory);
  if (open.empty()) open = low_descriptors();
  std::sort(open.begin(), open.end());
  for (int fd : open) report_descriptor_line(report, fd);
}

void report_arguments(Report* report) {
  const std::string command_line = read_file("/proc/self/cmdline");
  size_t at = 0;
  for (int i = 0; at < command_line.size(); ++i) {
    const size_t end = command_line.find('\0', at);
    report->line("argv." + std::to_string(i), command_line.substr(at, end - at));
    at = end + 1;
  }
  for (int i = 0; environ[i] != nullptr; ++i) report->line("env." + std::to_string(i), environ[i]);
}

}  // namespace

int report_mode(const Arguments&) {
  Report report;
  report_descriptors(&report);
  report_identity(&report);
  report_status_file(&report);
  report_setting(&report);
  report_limits(&report);
  report_arguments(&report);
  return report.send(report_descriptor());
}
