#include "test/attack/attacks.h"

namespace warden::attack {
namespace {

void attack_recycle(Rng&) {}  // a whole pid namespace: see recycle.h

}  // namespace

const std::vector<Attack>& all_attacks() {
  static const std::vector<Attack> attacks = {
      {"setsid", Tolerance::kNone, attack_setsid, "children in sessions of their own, of any depth and breadth"},
      {"daemon", Tolerance::kNone, attack_daemon, "double forks"},
      {"orphans", Tolerance::kNone, attack_orphans, "the leader exits first and leaves daemons"},
      {"chain", Tolerance::kNone, attack_chain, "fork, setsid, exit: 200 generations, with pauses"},
      {"chains", Tolerance::kNone, attack_chains, "many such chains at once"},
      {"storm", Tolerance::kNone, attack_storm, "everybody forks all the time"},
      {"hydra", Tolerance::kNone, attack_hydra, "each graceful signal makes a member fork and exit"},
      {"threads", Tolerance::kNone, attack_threads, "threads fork daemons at the same time"},
      {"many_threads", Tolerance::kNone, attack_many_threads, "a hundred threads; the main thread may be gone"},
      {"vfork", Tolerance::kNone, attack_vfork, "children of vfork that execute, or never let go"},
      {"memory", Tolerance::kNone, attack_memory,
       "processes in one memory (CLONE_VM), with and without an exit signal"},
      {"siblings", Tolerance::kNone, attack_siblings, "CLONE_PARENT: children of the keeper that the leader makes"},
      {"exit_signal", Tolerance::kNone, attack_exit_signal, "children with exit signal 0, SIGKILL, SIGSTOP, 64, ..."},
      {"subreaper", Tolerance::kNone, attack_subreaper, "subreapers in the tree, which reap or do not"},
      {"namespaces", Tolerance::kNone, attack_namespaces, "pid and user namespaces in one another"},
      {"exec", Tolerance::kNone, attack_exec, "members execute themselves again and again"},
      {"thread_exec", Tolerance::kNone, attack_thread_exec, "exec on a thread that is not the main one"},
      {"closer", Tolerance::kNone, attack_closer, "the leader closes every descriptor but the pipe"},
      {"nested", Tolerance::kNone, attack_nested, "members use the library, and terminate, leak or die"},
      {"deaf", Tolerance::kNone, attack_deaf, "everybody ignores and blocks every signal"},
      {"stopped", Tolerance::kNone, attack_stopped, "members stop themselves and each other"},
      {"groups", Tolerance::kNone, attack_groups, "members change to each other's, the host's and the keeper's group"},
      {"disguise", Tolerance::kNone, attack_disguise, "names that break /proc/PID/stat, PR_SET_DUMPABLE, PDEATHSIG"},
      {"suicide", Tolerance::kNone, attack_suicide, "a member kills or stops the leader"},
      {"tracer", Tolerance::kNone, attack_tracer, "tracers that never wait for what they trace"},
      {"mutual", Tolerance::kError, attack_mutual, "two that trace each other's exit; runs only by this name", true},
      {"stop_keeper", Tolerance::kDeadHost, attack_stop_keeper, "stops the keeper again and again"},
      {"signal_keeper", Tolerance::kNone, attack_signal_keeper, "every signal but SIGKILL and SIGSTOP to the keeper"},
      {"kill_keeper", Tolerance::kLost, attack_kill_keeper, "kills the keeper at any time"},
      {"kill_keeper_late", Tolerance::kLost, attack_kill_keeper_late, "kills the keeper while the tree is ended"},
      {"garbage", Tolerance::kNone, attack_garbage, "writes to every socket that the leader has got"},
      {"holder", Tolerance::kLost, attack_holder, "keeps copies of the keeper's sockets, and kills it"},
      {"thief", Tolerance::kOverrun, attack_thief, "steals the keeper's socket, reads it and writes to it"},
      {"scribble", Tolerance::kOverrun, attack_scribble, "writes into the keeper's memory"},
      {"trace_keeper", Tolerance::kError, attack_trace_keeper, "stops the keeper as its tracer"},
      {"starve_keeper", Tolerance::kNone, attack_starve_keeper, "takes the keeper's priority and processors"},
      {"limit_keeper", Tolerance::kNone, attack_limit_keeper, "sets the keeper's limits to 0, but for its time"},
      {"time_keeper", Tolerance::kLost, attack_time_keeper, "gives the keeper a second of processor time"},
      {"files_of_keeper", Tolerance::kNone, attack_files_of_keeper, "writes to the keeper's files in /proc"},
      {"recycle", Tolerance::kNone, attack_recycle, "trees and strangers in a pid namespace of 400 numbers"},
  };
  return attacks;
}

const Attack* find_attack(const std::string& name) {
  for (const Attack& attack : all_attacks()) {
    if (name == attack.name) return &attack;
  }
  return nullptr;
}

}  // namespace warden::attack
