// Runs one tree after the other, and judges what the library says of each.
#ifndef WARDEN_TEST_ATTACK_ATTACKER_H_
#define WARDEN_TEST_ATTACK_ATTACKER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "test/attack/plan.h"
#include "test/attack/rng.h"
#include "test/attack/table.h"
#include "test/attack/tree.h"
#include "test/attack/verdict.h"
#include "warden/warden.h"

namespace warden::attack {

class Attacker {
 public:
  explicit Attacker(const Options& options) : options_(options) {}

  // Runs one tree, and then looks whether the library has let go of all that it had for it.
  void run_tree(const Plan& plan);

  int broken() const { return broken_; }

  // Ends trees that hang, or the whole program where that does not help.
  void watch();

  void print() const { print_table(rows_); }

 private:
  // The tree that the watchdog looks after.
  class Watched {
   public:
    Watched(Attacker& attacker, const Plan& plan, const Tree& tree);
    ~Watched();

   private:
    Attacker& attacker_;
  };

  void broke(const Plan& plan, const std::string& what, const std::string& detail);
  Row& row(const Plan& plan) { return rows_[plan.attack->name]; }

  void run_way(const Plan& plan);
  void run_one(const Plan& plan);
  void run_many(const Plan& plan);
  void run_host(const Plan& plan);
  void run_recycle(const Plan& plan);

  // Starts a tree and lets go of the outer program's write end.
  std::optional<Child> start(const Plan& plan, Tree& tree);
  int start_host(const Plan& plan, const Tree& tree) const;
  static void wait_for_attack(Rng& rng, const Tree& tree);
  void judge(const Plan& plan, const Verdict& verdict, const Tree& tree);
  void finish(const Plan& plan, std::optional<Child>& child, const Tree& tree);

  const Options& options_;
  std::map<std::string, Row> rows_;
  int broken_ = 0;
  std::mutex watched_mutex_;
  const Tree* watched_ = nullptr;
  Plan watched_plan_;
  std::atomic<std::int64_t> began_{0};
  std::atomic<bool> hung_{false};
};

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_ATTACKER_H_
