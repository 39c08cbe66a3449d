// What belongs to a child besides its own process, and ends with it: its process group (group.h) or its tree (tree.h).
#ifndef WARDEN_LIB_SUPERVISE_SCOPE_H_
#define WARDEN_LIB_SUPERVISE_SCOPE_H_

#include <signal.h>

#include <cstdint>
#include <string>
#include <vector>

#include "lib/os/process_table.h"
#include "lib/supervise/changes.h"
#include "warden/attempt_log.h"
#include "warden/containment.h"

namespace warden::internal {

// Whether anybody is left.
enum class GroupState {
  kEmpty,
  kLive,
  kUnsettled,  // this look does not tell, since processes came and went meanwhile; the next one may
  kUnknown,
  kEnding,  // all of it has got its SIGKILL, or is gone but for the keeper; who is left is not asked
  kLost,    // the keeper of the tree has ended, and has not said that nobody is left
};

// Thread-safe: a method with a Lock needs the child's lock.
class Scope {
 public:
  virtual Containment containment() const = 0;
  // What a signal to all of it is sent to, in the log.
  virtual AttemptTarget target() const = 0;
  // False where the child is alone in it.
  virtual bool has_others() const = 0;

  // Sends to all of it, or to the leader alone, as also where this process is in it: 0 or an errno. A leader that has
  // ended takes no signal (success). `detail`: what else there is to say.
  virtual int send(const Lock& lock, AttemptTarget target, int signal, std::string* detail = nullptr) = 0;
  // True when this process is in it: a signal to all would be one to ourselves.
  virtual bool is_ours(const Lock& lock) const = 0;
  // True when the running leader has left it.
  virtual bool leader_has_moved(const Lock& lock) const = 0;

  // False when look() has an answer without /proc: nobody is left, or there is nobody else.
  // REQUIRES: the leader has ended.
  virtual bool may_live(const Lock& lock) = 0;
  // Whether look() needs a reading of /proc. REQUIRES: the leader has ended.
  virtual bool needs_table(const Lock& lock) = 0;
  // Whether anybody lives besides the leader that has ended, and who, where that is known. kEmpty is final. `table`: a
  // reading of /proc, none of it from before the leader's end.
  // REQUIRES: the leader has ended.
  virtual GroupState look(const Lock& lock, ProcessTable& table, std::vector<Member>* live) = 0;
  // Who is left, as far as that can be named just now, where look() has not.
  virtual std::vector<Member> name_left(const Lock&) { return {}; }
  // Why somebody is left, as far as it is known: the errno with which SIGKILL was refused, or 0.
  virtual int refusal(const Lock&) const { return 0; }
  // The longest pause between two looks of a termination; infinite where each change is told.
  virtual absl::Duration longest_pause(const Lock&) const { return absl::InfiniteDuration(); }

  // Whether it has been found empty, or there is nobody else.
  virtual bool is_done(const Lock& lock) const = 0;

  // Whether a signal that can end a process was sent while the leader lived; this signal, or any.
  bool was_sent(const Lock&, int signal) const { return (sent_ & mask_of(signal)) != 0; }
  bool was_sent_any(const Lock&) const { return sent_ != 0; }

 protected:
  ~Scope() = default;

  void note_sent(int signal) {
    if (signal != 0 && signal != SIGCONT) sent_ |= mask_of(signal);
  }

 private:
  static std::uint64_t mask_of(int signal) { return std::uint64_t{1} << (signal - 1); }

  std::uint64_t sent_ = 0;  // one bit for each signal
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_SUPERVISE_SCOPE_H_
