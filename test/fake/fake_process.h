// One process of the simulated machine.
#ifndef WARDEN_TEST_FAKE_FAKE_PROCESS_H_
#define WARDEN_TEST_FAKE_FAKE_PROCESS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "warden/exit_status.h"

namespace warden::internal {

// Ignores every signal but SIGKILL until told otherwise.
struct FakeProcess {
  enum class State { kAlive, kZombie, kGone };

  // The process ends `after` a signal; killed by that signal unless a status is given.
  struct Reaction {
    absl::Duration after;
    std::optional<ExitStatus> status;
  };

  FakeProcess& dies_of(int signal, absl::Duration after = absl::ZeroDuration(),
                       std::optional<ExitStatus> with = std::nullopt) {
    reactions[signal] = {after, with};
    return *this;
  }

  bool alive() const { return state == State::kAlive; }
  // The text of /proc/<pid>/<name>: stat, status, comm, wchan.
  std::string proc_file(std::string_view name) const;

  int pid = 0;
  int group = 0;
  std::string program;
  std::uint64_t start_time = 0;
  State state = State::kAlive;
  std::optional<ExitStatus> status = {};  // set when dead
  std::map<int, Reaction> reactions;

  bool unkillable = false;        // uninterruptible sleep: SIGKILL stays pending
  bool stopped = false;           // catchable signals stay pending until SIGCONT
  bool denies_signals = false;    // EPERM: it has changed its user
  bool main_thread_gone = false;  // state Z, and alive in another thread
  bool traced = false;            // dead and readable, and not waitable
  int tracer_pid = 0;             // the tracer that holds the zombie
  std::string wait_channel = "0";
  int uid = 0;
  bool is_stranger = false;  // unrelated to the child: no signal may reach it
  bool is_child = false;     // a child of this process: the leader, and others like it
  bool hidden = false;       // /proc does not show it (hidepid)
  std::vector<int> pending;
};

}  // namespace warden::internal

#endif  // WARDEN_TEST_FAKE_FAKE_PROCESS_H_
