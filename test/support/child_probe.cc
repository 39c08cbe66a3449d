#include "test/support/child_probe.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "gtest/gtest.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

// Polls a condition for which the kernel sends no event.
template <class Condition>
bool wait_until_true(Condition condition) {
  const auto give_up = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kBound);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

bool is_live_member(int pid, int group) {
  FILE* file = ::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "re");
  if (file == nullptr) return false;
  char text[1024] = "";
  const size_t size = ::fread(text, 1, sizeof text - 1, file);
  ::fclose(file);
  text[size] = '\0';
  const char* rest = ::strrchr(text, ')');
  char state = 'X';
  int its_group = 0;
  int threads = 0;
  if (rest == nullptr || ::sscanf(rest, ") %c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d",
                                  &state, &its_group, &threads) != 3) {
    return false;
  }
  return its_group == group && ((state != 'Z' && state != 'X') || threads > 1);
}

// Reaps the zombies of orphans that this process got as the first of a pid namespace: they are in a group that is
// neither their own nor this process's.
void collect_orphans() {
  FILE* file = ::fopen("/proc/thread-self/children", "re");
  if (file == nullptr) return;
  for (int pid = 0; ::fscanf(file, "%d", &pid) == 1;) {
    const int group = ::getpgid(pid);
    if (group > 0 && group != pid && group != ::getpgrp()) ::waitpid(pid, nullptr, WNOHANG);
  }
  ::fclose(file);
}

}  // namespace

Command test_command(const std::vector<std::string>& mode) {
  Command command(test_child_path());
  command.args(mode).name(mode.front());
  return command;
}

Command test_command(const AckPipe& ack, const std::vector<std::string>& mode) {
  Command command(test_child_path());
  command.arg(ack.flag()).args(mode).name(mode.front()).inherit_fd(ack.write_fd());
  return command;
}

int wait_forked(AckPipe& ack, std::vector<std::string> ready) {
  const std::string word = "forked ";
  int pid = -1;
  while (pid < 0 || !ready.empty()) {
    const std::string line = ack.wait_line();
    if (line.empty() || line == "(timeout)") {
      ADD_FAILURE() << "no fork, or no line '" << (ready.empty() ? "" : ready.front()) << "'";
      return pid;
    }
    const size_t at = line.find(word);
    if (at != std::string::npos) pid = ::atoi(line.c_str() + at + word.size());
    ready.erase(std::remove(ready.begin(), ready.end(), line), ready.end());
  }
  return pid;
}

Pidfd::Pidfd(int pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
  // EINVAL: the process is gone, and its group still has its number.
  if (fd_ < 0 && errno != ESRCH && errno != EINVAL) ADD_FAILURE() << "no pidfd of " << pid << ": errno " << errno;
}

Pidfd::~Pidfd() {
  if (fd_ >= 0) ::close(fd_);
}

bool Pidfd::is_dead() const { return wait_dead(absl::ZeroDuration()); }

bool Pidfd::wait_dead(absl::Duration bound) const {
  if (fd_ < 0) return true;
  pollfd polled = {fd_, POLLIN, 0};
  const bool told = ::poll(&polled, 1, static_cast<int>(absl::ToInt64Milliseconds(bound))) == 1;
  EXPECT_EQ(polled.revents & POLLNVAL, 0) << "somebody has closed the pidfd";
  return told;
}

bool Pidfd::send(int signal) const { return ::syscall(SYS_pidfd_send_signal, fd_, signal, nullptr, 0) == 0; }

bool Pidfd::wait_reaped() const {
  if (fd_ < 0) return true;
  return wait_until_true([this] {
    siginfo_t info = {};
    const int result =
        ::waitid(static_cast<idtype_t>(3 /* P_PIDFD */), static_cast<id_t>(fd_), &info, WEXITED | WNOHANG | WNOWAIT);
    return result != 0 && errno == ECHILD;
  });
}

bool wait_stopped(int pid) {
  return wait_until_true([pid] {
    siginfo_t info = {};
    const int result = ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG | WNOWAIT);
    return result == 0 && info.si_pid == pid;
  });
}

void expect_running(Child& child) {
  const auto waited = child.wait_for(absl::Milliseconds(1));
  ASSERT_TRUE(waited.has_value()) << waited.error().to_string();
  EXPECT_FALSE(waited.value().has_value());
  EXPECT_EQ(child.state().kind, ProcessState::Kind::kRunning);
}

bool wait_until_childless() {
  return wait_until_true([] {
    if (::getpid() == 1) collect_orphans();
    siginfo_t info = {};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
  });
}

std::vector<int> live_members(int group) {
  std::vector<int> members;
  DIR* directory = ::opendir("/proc");
  while (const dirent* entry = ::readdir(directory)) {
    const int pid = ::atoi(entry->d_name);
    if (pid > 0 && is_live_member(pid, group)) members.push_back(pid);
  }
  ::closedir(directory);
  return members;
}

std::vector<std::string> sent_signals(const AttemptLog& log) {
  std::vector<std::string> sent;
  for (const Attempt& attempt : log) {
    if (attempt.operation != AttemptOperation::kSendSignal) continue;
    if (attempt.signal == Signal::continue_process()) continue;
    const std::string_view target = to_string(attempt.target.value());
    sent.push_back(attempt.signal.value().name() + " " + std::string(target) +
                   (attempt.result == AttemptResult::kOk ? "" : ": failed"));
  }
  return sent;
}

CapturedLog::CapturedLog() { set_log_sink(take, this); }
CapturedLog::~CapturedLog() { set_log_sink(nullptr, nullptr); }

std::vector<CapturedLog::Record> CapturedLog::records() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return records_;
}

void CapturedLog::take(const LogRecord& record, void* context) {
  auto& captured = *static_cast<CapturedLog*>(context);
  const std::lock_guard<std::mutex> lock(captured.mutex_);
  captured.records_.push_back(
      {record.severity, std::string(record.process_name), std::string(record.event), std::string(record.error)});
}

}  // namespace warden::test_support
