// A simulated kernel: one child that may lead a group, the members of that group, further children, and a clock that
// moves only in waits.
//
// Example:
//   FakeSys sys;
//   sys.leader().dies_of(SIGTERM, absl::Milliseconds(200));
//   sys.at(absl::Seconds(1), [&] { sys.exit(sys.leader(), ExitStatus::exited(0)); });
//
// Waits run the events that are due on the way, with the lock released. The test's events and the reaper wake a wait on
// the condition variable; what the simulation does by itself (a process ends or is reaped) wakes only a poll. An
// infinite wait with no event left throws, as does a caller that spins. Not thread-safe: an event that calls the
// library plays a second caller.
#ifndef WARDEN_TEST_FAKE_FAKE_SYS_H_
#define WARDEN_TEST_FAKE_FAKE_SYS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "lib/os/sys.h"
#include "lib/supervise/supervised.h"
#include "test/fake/fake_process.h"

namespace warden::internal {

class FakeSys : public Sys {
 public:
  enum class Call {
    kLook,  // waitid with WNOWAIT
    kReap,  // waitid without
    kExitInfo,
    kWait,
    kPoll,
    kPidfdOpen,
    kKillProcess,
    kKillGroup,
    kPidfdKillProcess,
    kPidfdKillGroup,
    kListProcesses,
    kReadProc,
    kGetProcessGroup,
    kMakeEvent,
    kCloseFd,
    kWritePipe,
  };

  struct Record {
    absl::Duration at;
    Call call;
    int id;  // the pid, group or descriptor
    int signal;
    int result;
  };

  static constexpr int kLeaderPid = 1000;
  static constexpr int kLeaderPidfd = 2'000'000'000;  // no descriptor of this process

  FakeSys();
  virtual ~FakeSys() = default;

  // What the kernel can do.
  bool pidfd_group_signals = true;  // Linux 6.9
  bool group_marks = false;         // Linux 5.12
  bool proc_visible = true;
  int pidfd_open_error = 0;
  int most_pidfds_with_proc = 1000;  // /proc cannot be read (EMFILE) while more members' pidfds are open
  std::function<void()> before_next_pidfd_open;
  std::map<int, std::function<void()>>
      before_visit;                          // by number: once, after the process was listed, before it is read
  std::function<void(int pid)> before_read;  // of the process in /proc
  bool has_pid_cursor = true;
  int newest_pid_shift = 0;            // below 0: the numbers have started again
  std::uint64_t more_forks = 0;        // than there were processes
  std::uint64_t forks_within = 0;      // between the two readings of a cursor
  std::uint64_t pid_turn = 32'000;     // how many forks use up all numbers
  absl::Duration time_of_reading_one;  // of /proc, for each process
  int make_event_error = 0;
  int own_group = 900;
  std::function<void()> after_next_look;
  std::function<void()> during_next_signal;  // after the kernel has decided its result
  absl::Duration init_delay;                 // how long a dead member stays a zombie

  // What PIDFD_GET_INFO returns for a child that another wait has reaped: no answer for that many calls, then the error
  // or the status.
  int exit_info_empty_answers = 0;
  int exit_info_error = ENOTTY;  // before Linux 6.15
  std::optional<ExitStatus> exit_info_status;

  // The stdin pipe: how many more bytes it takes, and the bytes that were written to it.
  std::size_t pipe_room = 0;
  bool pipe_has_reader = true;
  std::string piped;
  std::function<void()> during_next_write;  // with the lock released

  FakeProcess& leader() { return processes_.front(); }
  // References to processes stay valid.
  FakeProcess& add_member(std::string program);
  // Adds another child that leads a group; returns the child and its pidfd.
  std::pair<FakeProcess&, int> add_leader(std::string program);
  // Adds a process of another program with this number (which, if it is the leader's number, leads a group of that
  // number).
  FakeProcess& recycle(int pid, int group);

  void exit(FakeProcess& process, const ExitStatus& status);
  // Another wait of this process takes the leader's zombie.
  void steal_zombie() { leader().state = FakeProcess::State::kGone; }

  // From now on a reaper looks at the child as soon as the leader has ended; where there is no pidfd, one with a
  // private descriptor table.
  void play_reaper_of(Supervised& supervised) { supervised_[supervised.pid()] = &supervised; }

  // Time since the start of the simulation.
  absl::Duration elapsed() const { return absl::FromChrono(now_ - kStart); }
  void at(absl::Duration time, std::function<void()> event) { schedule(time, std::move(event), true); }

  // From now on the numbers of processes start again during each reading of /proc: none can be believed.
  void never_settle();

  // Moves the clock without running events.
  void advance_clock(absl::Duration time) { now_ += absl::ToChronoNanoseconds(time); }

  // Makes the next calls of this kind fail. kLook stands for kReap, too.
  void fail_next(Call call, int error, int times = 1);
  void fail_always(Call call, int error) { fail_next(call, error, kMostCalls); }

  const std::vector<Record>& calls() const { return calls_; }
  void forget_calls() { calls_.clear(); }
  std::size_t count(Call call) const;
  // Every signal but 0, in order: "kill_group SIGTERM", "pidfd_kill_process SIGKILL: EPERM".
  std::vector<std::string> signals() const;
  // What no caller may ever do, in words: a signal that can reach a stranger, the use of a descriptor that is not open,
  // or a descriptor left open.
  std::vector<std::string> violations() const;

  TimePoint now() override { return now_; }
  void wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, TimePoint deadline) override;
  bool poll_readable(const int* fds, std::size_t count, TimePoint deadline) override;
  bool poll_any(pollfd* polled, std::size_t count, TimePoint deadline) override;
  ssize_t write_pipe(int fd, const char* data, std::size_t size) override;
  WaitOutcome look(ChildId child, Reap reap) override;
  void block_until_waitable(int pid) override;
  WaitOutcome exit_info(int pidfd) override;
  int pidfd_open(int pid) override;
  int kill_process(int pid, int signal) override;
  int kill_group(int pgid, int signal) override;
  int pidfd_kill_process(int pidfd, int signal) override;
  int pidfd_kill_group(int pidfd, int signal) override;
  bool has_pidfd_group_signals(int pidfd) override;
  bool mark_group(int pidfd, int pgid) override;
  bool marked_group_exists(int pidfd) override;
  void with_free_descriptors(const std::function<void()>& work) override;
  bool visit_processes(int newest, const std::function<bool(int pid)>& visit) override;
  int read_proc(int pid, const char* name, std::string* text) override;
  std::optional<PidCursor> pid_cursor(PidCursorOrder order) override;
  int get_process_group(int pid) override;
  int make_event() override;
  void signal_event(int fd) override;
  void close_event(int fd) override { close_fd(fd); }
  void close_fd(int fd) override;

 private:
  static constexpr int kMostCalls = 20'000;
  static constexpr TimePoint kStart{std::chrono::hours(1)};

  FakeProcess& add(int pid, int group, std::string program);
  struct Event {
    std::function<void()> run;
    bool wakes;
  };
  void schedule(absl::Duration time, std::function<void()> run, bool wakes);
  // Returns false when no event is due until the deadline; else sets whether the event that ran wakes the waiters.
  bool run_next_event(TimePoint deadline, bool* woken);
  int record(Call call, int id, int signal, int result);
  int record_signal(Call call, int id, int signal, int result);
  int take_failure(Call call);
  void violate(std::string what) { violations_.push_back(std::move(what)); }

  FakeProcess* find(int pid);
  FakeProcess* find_listed_after(int pid);
  bool visit_one(int pid, const std::function<bool(int pid)>& visit);
  bool has_members(int group) const;
  FakeProcess* behind(int pidfd, const char* who);
  bool readable(int pidfd);
  bool is_ready(pollfd& polled);
  WaitOutcome look_at_child(ChildId child, Reap reap);
  int signal_process(FakeProcess* process, int signal);
  int signal_group(int group, bool with_strangers, int signal);
  void deliver(FakeProcess& process, int signal);

  TimePoint now_ = kStart;
  std::multimap<TimePoint, Event> events_;
  std::deque<FakeProcess> processes_;  // the leader is the first
  std::map<int, FakeProcess*> pidfds_;
  std::map<int, bool> events_happened_;
  bool has_private_table_ = false;  // who looks
  int next_pidfd_ = 100;
  std::map<int, Supervised*> supervised_;         // by the number of the child
  std::map<Call, std::pair<int, int>> failures_;  // errno, times
  std::vector<Record> calls_;
  std::vector<std::string> violations_;
};

}  // namespace warden::internal

#endif  // WARDEN_TEST_FAKE_FAKE_SYS_H_
