// Builds a random tree of processes in its own group, and is its leader. Knows nothing of warden.
// Usage: storm_tree SEED [KIND]   a leader that exits first, and one process of this kind
//        storm_tree --exec        goes on executing itself, from a second thread
//        storm_tree --sit
// Needs the board as descriptor 3. Every process ends by itself after 20 s at most, the stopped ones by SIGKILL only;
// all together fork a bounded number of times.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

#include "test/storm/board.h"
#include "test/storm/random.h"

namespace storm {
namespace {

Board* board = nullptr;
int polite_code = 0;
int polite_delay_us = 0;

bool is_leader() { return ::getpid() == board->group; }

[[noreturn]] void leave(int code) {
  if (is_leader()) board->leader_code = code;
  ::_exit(code);
}

// SIGALRM stays at its default in every process.
void limit_life() {
  const int64_t left = (board->deadline_ns - now_ns()) / 1'000'000'000;
  if (left < 0) leave(0);
  ::alarm(static_cast<unsigned>(left) + 1);
}

pid_t fork_within_budget() {
  if (board->forks_left.fetch_sub(1) <= 0) return -1;
  const pid_t child = ::fork();
  if (child == 0) limit_life();
  return child;
}

void be_deaf() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_IGN);
}

void be_deaf_at_times(Random& random) {
  if (random.one_in(2)) be_deaf();
}

[[noreturn]] void sit() {
  for (;;) ::pause();
}

void on_stop_signals(void (*handler)(int)) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::signal(signal, handler);
}

[[noreturn]] void sit_politely(Random& random) {
  polite_code = random.below(250);
  polite_delay_us = random.below(50'000);
  on_stop_signals([](int) {
    nap(polite_delay_us * int64_t{1000});
    leave(polite_code);
  });
  sit();
}

// Leaves a new member behind when it is told to end.
[[noreturn]] void sit_and_fork_late(Random& random) {
  polite_code = random.below(250);
  on_stop_signals([](int) {
    if (fork_within_budget() == 0) {
      be_deaf();
      sit();
    }
    leave(polite_code);
  });
  sit();
}

[[noreturn]] void stop(Random& random) {
  be_deaf_at_times(random);
  const bool again = random.one_in(2);
  do ::raise(SIGSTOP);
  while (again);
  sit();
}

[[noreturn]] void fork_endlessly(Random& random) {
  be_deaf_at_times(random);
  const int pauses_us[] = {0, 0, 100, 1000};
  const int pause_us = pauses_us[random.below(4)];
  for (;;) {
    const pid_t child = fork_within_budget();
    if (child > 0) leave(0);
    if (child < 0) sit();
    if (pause_us > 0) nap(pause_us * int64_t{1000});
  }
}

[[noreturn]] void vfork_endlessly(Random& random) {
  be_deaf_at_times(random);
  bool leaves_one = random.one_in(3);
  const char* const sitter[] = {"storm_tree", "--sit", nullptr};
  for (;;) {
    const int64_t pause_ns = random.below(3'000'000);
    const bool executes = leaves_one;
    leaves_one = false;
    if (board->forks_left.fetch_sub(1) <= 0) sit();
    const pid_t child = ::vfork();
    if (child == 0) {
      ::alarm(20);
      nap(pause_ns);
      if (executes) ::execv("/proc/self/exe", const_cast<char* const*>(sitter));
      ::_exit(0);
    }
    if (child > 0 && !executes) ::waitpid(child, nullptr, 0);
    nap(random.below(300'000));
  }
}

void start_thread(void* (*run)(void*)) {
  pthread_t thread;
  if (::pthread_create(&thread, nullptr, run, nullptr) != 0) leave(0);
}

[[noreturn]] void lose_main_thread(Random& random) {
  be_deaf_at_times(random);
  start_thread([](void*) -> void* { sit(); });
  ::pthread_exit(nullptr);
}

[[noreturn]] void execute_endlessly() {
  start_thread([](void*) -> void* {
    const char* const again[] = {"storm_tree", "--exec", nullptr};
    nap(2'000'000);
    ::execv("/proc/self/exe", const_cast<char* const*>(again));
    leave(0);
  });
  sit();
}

uint64_t own_start() {
  char stat[512] = {};
  const int fd = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  const bool read = ::read(fd, stat, sizeof stat - 1) > 0;
  ::close(fd);
  return read ? ::strtoull(stat_field(stat, 22), nullptr, 10) : 0;
}

// Signs this process up, deaf from now on.
Walker& sign_up() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  ::alarm(0);
  const int index = board->walker_count.fetch_add(1);
  if (index >= 24) {  // no room: it stays a member
    ::alarm(1);
    ::sigdelset(&all, SIGALRM);
    for (;;) ::sigsuspend(&all);
  }
  Walker& walker = board->walkers[index];
  walker.start = own_start();
  walker.pid = ::getpid();
  return walker;
}

// REQUIRES: all signals are blocked, and this process has left the group: no signal to the group reaches it any more.
[[noreturn]] void stay_outside(Walker& walker) {
  sigset_t all;
  ::sigfillset(&all);
  const timespec none = {};
  while (::sigtimedwait(&all, nullptr, &none) > 0) {  // what came while it was a member
  }
  walker.inside = false;
  walker.left = true;
  walker.settled = true;
  while (now_ns() < board->deadline_ns) {
    const timespec second = {1, 0};
    const int signal = ::sigtimedwait(&all, nullptr, &second);
    if (signal > 0 && signal != SIGCHLD) walker.signals |= uint64_t{1} << (signal - 1);
  }
  walker.ended = true;
  leave(0);
}

[[noreturn]] void stay_inside(Walker& walker) {
  walker.settled = true;
  while (now_ns() < board->deadline_ns) nap(100'000'000);
  walker.ended = true;
  leave(0);
}

// Leaves the group and comes back, until it is frozen or there is no group to come back to.
[[noreturn]] void move(Random& random) {
  const pid_t group = board->group;
  pid_t away = 0;     // a group of its own
  if (is_leader()) {  // has its own group already, and needs another's
    away = fork_within_budget();
    if (away == 0) {
      Walker& walker = sign_up();
      if (::setpgid(0, 0) != 0) stay_inside(walker);
      stay_outside(walker);
    }
    nap(5'000'000);
  }
  Walker& walker = sign_up();
  const int64_t pauses_ns[] = {0, 50'000, 300'000, 2'000'000, 20'000'000};
  const int64_t outside_ns = pauses_ns[random.below(5)];
  const int64_t inside_ns = pauses_ns[random.below(5)];
  while (!board->frozen && now_ns() < board->deadline_ns) {
    if (::setpgid(0, away) != 0) stay_inside(walker);
    walker.left_ns = now_ns();
    walker.inside = false;
    if (outside_ns > 0) nap(outside_ns);
    if (board->frozen) stay_outside(walker);
    walker.entering_ns = now_ns();
    if (::setpgid(0, group) != 0) stay_outside(walker);
    walker.entered_ns = now_ns();
    walker.inside = true;
    if (inside_ns > 0) nap(inside_ns);
  }
  stay_inside(walker);
}

[[noreturn]] void go_for_good(Random& random) {
  nap(random.below(4) * int64_t{30'000'000});
  Walker& walker = sign_up();
  const bool left = random.one_in(2) ? ::setsid() > 0 : !is_leader() && ::setpgid(0, 0) == 0;
  if (!left) stay_inside(walker);
  stay_outside(walker);
}

// Its child is a member, dead or deaf; it is outside itself, and does not wait.
[[noreturn]] void be_parent_outside(bool dead) {
  Walker& walker = sign_up();
  if (fork_within_budget() == 0) {
    if (dead) ::_exit(0);
    sigset_t only_alarm;  // all others are blocked
    ::sigemptyset(&only_alarm);
    ::sigaddset(&only_alarm, SIGALRM);
    ::sigprocmask(SIG_UNBLOCK, &only_alarm, nullptr);
    sit();
  }
  if (::setsid() < 0) stay_inside(walker);
  stay_outside(walker);
}

[[noreturn]] void keep_corpse(Random& random) {
  if (fork_within_budget() == 0) ::_exit(0);
  be_deaf_at_times(random);
  sit();
}

[[noreturn]] void act(int kind, Random& random) {
  switch (kind) {
    case 0:
      sit();
    case 1:
      be_deaf();
      sit();
    case 2:
      sit_politely(random);
    case 3:
      sit_and_fork_late(random);
    case 4:
      stop(random);
    case 5:
      fork_endlessly(random);
    case 6:
      vfork_endlessly(random);
    case 7:
      lose_main_thread(random);
    case 8:
      be_deaf_at_times(random);
      execute_endlessly();
    case 9:
      keep_corpse(random);
    case 10:
      be_parent_outside(random.one_in(2));
    case 11:
      move(random);
    case 12:
      go_for_good(random);
    default:
      nap(random.below(200) * int64_t{1'000'000});
      leave(random.below(250));
  }
}

const char* const kKinds[] = {"sit",      "deaf", "polite", "late",    "stopped", "chain", "vfork",
                              "headless", "exec", "corpse", "outside", "mover",   "leaver"};
constexpr int kKindCount = 13;

[[noreturn]] void grow(Random random, int depth) {
  const int children = depth == 0 ? random.below(4) : depth == 1 ? random.below(3) : 0;
  for (int i = 0; i < children; ++i) {
    Random branch(random.next());
    if (fork_within_budget() == 0) grow(branch, depth + 1);
  }
  if (depth == 0 && random.one_in(3)) leave(random.below(250));  // the leader first
  act(random.below(kKindCount + 1), random);
}

[[noreturn]] void grow_one(const char* kind, Random random) {
  // A corpse keeps the group for a mover to come back to.
  if (::strcmp(kind, "mover") == 0 && fork_within_budget() == 0) be_parent_outside(/*dead=*/true);
  if (fork_within_budget() == 0) {
    for (int i = 0; i < kKindCount; ++i) {
      if (::strcmp(kind, kKinds[i]) == 0) act(i, random);
    }
    ::_exit(1);
  }
  leave(7);
}

int tree_main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (::strcmp(argv[1], "--sit") == 0) sit();
  void* const memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, kBoardFd, 0);
  if (memory == MAP_FAILED) return 2;
  board = static_cast<Board*>(memory);
  if (::strcmp(argv[1], "--exec") == 0) execute_endlessly();
  board->deadline_ns = now_ns() + kLifeNs;
  board->group = ::getpid();
  limit_life();
  Random random(::strtoull(argv[1], nullptr, 10));
  if (argc > 2) grow_one(argv[2], random);
  grow(random, 0);
}

}  // namespace
}  // namespace storm

int main(int argc, char** argv) { return storm::tree_main(argc, argv); }
