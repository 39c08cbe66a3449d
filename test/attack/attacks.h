// The attacks: what the members of a tree do to get away, and what may come of it.
#ifndef WARDEN_TEST_ATTACK_ATTACKS_H_
#define WARDEN_TEST_ATTACK_ATTACKS_H_

#include <string>
#include <vector>

#include "test/attack/rng.h"

namespace warden::attack {

// What may come of an attack beside Ok with a pipe that is hung up.
enum class Tolerance {
  kNone,      // nothing
  kDeadHost,  // nothing while the host lives; survivors of a host that has died
  kLost,      // the keeper may be killed: Errc::kContainmentLost; survivors of a host that has died, too
  kError,     // any error; survivors of a host that has died, too. Never Ok with survivors.
  kOverrun,   // the keeper's own memory or socket was the member's: everything
};

struct Attack {
  const char* name;
  Tolerance tolerance;
  void (*run)(Rng&);
  const char* summary;
  bool only_by_name = false;  // --attack=NAME; chance does not choose it
};

const std::vector<Attack>& all_attacks();

// Null for a name that no attack has.
const Attack* find_attack(const std::string& name);

// attacks_escape.cc
void attack_setsid(Rng& rng);
void attack_daemon(Rng& rng);
void attack_orphans(Rng& rng);
void attack_chain(Rng& rng);
void attack_chains(Rng& rng);
void attack_storm(Rng& rng);
void attack_hydra(Rng& rng);
void attack_threads(Rng& rng);
void attack_many_threads(Rng& rng);
void attack_vfork(Rng& rng);
void attack_memory(Rng& rng);
void attack_siblings(Rng& rng);
void attack_exit_signal(Rng& rng);
void attack_subreaper(Rng& rng);
void attack_namespaces(Rng& rng);
void attack_exec(Rng& rng);
void attack_thread_exec(Rng& rng);
void attack_closer(Rng& rng);

// attacks_nested.cc
void attack_nested(Rng& rng);

// attacks_odd.cc
void attack_deaf(Rng& rng);
void attack_stopped(Rng& rng);
void attack_groups(Rng& rng);
void attack_disguise(Rng& rng);
void attack_suicide(Rng& rng);
void attack_tracer(Rng& rng);
void attack_mutual(Rng& rng);

// attacks_keeper.cc
void attack_stop_keeper(Rng& rng);
void attack_signal_keeper(Rng& rng);
void attack_kill_keeper(Rng& rng);
void attack_kill_keeper_late(Rng& rng);
void attack_garbage(Rng& rng);
void attack_holder(Rng& rng);
void attack_thief(Rng& rng);
void attack_scribble(Rng& rng);
void attack_trace_keeper(Rng& rng);
void attack_starve_keeper(Rng& rng);
void attack_limit_keeper(Rng& rng);
void attack_time_keeper(Rng& rng);
void attack_files_of_keeper(Rng& rng);

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_ATTACKS_H_
