#include "test/attack/strangers.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>

#include "test/attack/rng.h"

namespace warden::attack {
namespace {

void take_note(int number, siginfo_t* info, void*) {
  board->number.store(number);
  board->sender.store(info != nullptr ? info->si_pid : 0);
  board->signals.fetch_add(1);
}
void listen_to_everything() {
  struct sigaction action = {};
  action.sa_sigaction = take_note;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  for (int number = 1; number <= 64; ++number) {
    if (number != SIGCHLD) sigaction(number, &action, nullptr);
  }
}

}  // namespace

Board* board = nullptr;

bool map_board() {
  void* const at = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  board = static_cast<Board*>(at);
  return at != MAP_FAILED;
}

void Strangers::start() {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, &before);
  for (int kind = 0; kind < 4; ++kind) {
    const int pid = fork();
    if (pid == 0) live(kind, before);
    if (pid > 0) pids_.push_back(pid);
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
}

bool Strangers::end() {
  bool well = true;
  for (const int pid : pids_) {
    siginfo_t info = {};
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT);
    well = well && info.si_pid == 0;
    ::kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  pids_.clear();
  return well && board->signals.exchange(0) == 0;
}

void Strangers::live(int kind, const sigset_t& mask) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (kind == 1) setpgid(0, 0);
  if (kind == 2) setsid();
  close_range(3, ~0U, 0);
  listen_to_everything();
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  for (;;) pause();
}

void churn(std::uint64_t seed) {
  constexpr std::size_t kAtOnce = 16;
  Rng rng(seed);
  listen_to_everything();
  int pids[kAtOnce] = {};
  for (std::size_t at = 0; board->stop.load() == 0; at = (at + 1) % kAtOnce) {
    int status = 0;
    if (pids[at] > 0 && (waitpid(pids[at], &status, WUNTRACED) != pids[at] || status != 0)) take_note(status, {}, {});
    const std::uint64_t own_seed = rng.next();
    pids[at] = fork();
    if (pids[at] == 0) {
      Rng own(own_seed);
      if (own.chance(80)) setpgid(0, own.chance(70) ? 0 : pids[(at + kAtOnce - 1) % kAtOnce]);
      if (own.chance(20)) setsid();
      own.jitter(3000);
      _exit(0);
    }
    board->made.fetch_add(1);
    if (pids[at] < 0) rng.jitter(1000);
  }
  _exit(0);
}

}  // namespace warden::attack
