#include "lib/terminate/terminate_children.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "lib/os/deadline.h"
#include "lib/os/event.h"
#include "lib/terminate/survivor_watch.h"
#include "lib/terminate/terminate_child.h"

namespace warden::internal {
namespace {

// The least time between two readings of /proc, so that leaders that end one after the other share one.
constexpr absl::Duration kReadingPause = absl::Milliseconds(1);

// The indices of the children that have changed. Its lock is taken under a child's.
class DueChildren {
 public:
  DueChildren(Sys& sys, std::size_t children) : sys_(sys), is_due_(children) { due_.reserve(children); }

  // On the reaper, too, where nothing may be allocated. `has_event`: the caller's descriptor table has the event.
  void add(std::size_t index, bool has_event = true) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!is_due_[index]) due_.push_back(index);
    is_due_[index] = true;
    changed_.notify_one();
    if (has_event && event_ != nullptr) event_->happen();
  }

  std::vector<std::size_t> take() {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::size_t> taken = due_;
    for (const std::size_t index : due_) is_due_[index] = false;
    due_.clear();
    return taken;
  }

  // Waits until there is one, until a descriptor can be read, or until the deadline.
  void wait(std::vector<int> fds, TimePoint deadline) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (fds.empty()) {
      while (due_.empty() && sys_.now() < deadline) sys_.wait_until(changed_, lock, deadline);
      return;
    }
    if (!due_.empty()) return;
    event_ = std::make_unique<Event>(sys_);
    deadline = event_->latest_look(deadline);
    if (event_->fd() >= 0) fds.push_back(event_->fd());
    lock.unlock();
    sys_.poll_readable(fds.data(), fds.size(), deadline);
    lock.lock();
    event_ = nullptr;
  }

 private:
  Sys& sys_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::size_t> due_;  // each at most once, in memory that it has from the start
  std::vector<bool> is_due_;
  std::unique_ptr<Event> event_;  // while a descriptor is waited for
};

// The part that the batch takes in one child's escalation.
class Part final : public ChangeObserver {
 public:
  Part(Supervised& child, DueChildren& due, std::size_t index) : child_(child), due_(due), index_(index) {}
  ~Part() {
    close_watch();
    if (escalation_ == nullptr || outcome_.has_value()) return;
    const Lock lock(child_);
    child_.changes().remove_observer(lock, this);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  void begin(const TerminationPolicy& policy) {
    Lock lock(child_);
    const std::shared_ptr<Escalation> escalation = take_part(child_, lock, policy);
    child_.changes().add_observer(lock, this);
    escalation_ = escalation;
    ended_ = child_.leader().ended(lock);
  }

  void child_changed() override { due_.add(index_, child_.leader().process().given().pidfd >= 0); }

  // Looks for the leader's exit, before a reading of /proc that is to count for it.
  void look() {
    close_watch();
    Lock lock(child_);
    ended_ = child_.leader().look(lock);
  }

  void ask_ahead() {
    const Lock lock(child_);
    escalation_->ask_ahead(lock);
  }

  // Does what is due; true when the escalation is over. Where it needs a table and has none, the next reading is waited
  // for.
  bool advance(ProcessTable* table, TimePoint next_reading) {
    Lock lock(child_);
    escalation_->advance_with(lock, ended_ ? table : nullptr);
    deliver_messages(child_, lock, *escalation_);
    if (escalation_->over(lock)) {
      outcome_ = outcome_of(child_, lock, *escalation_);  // where this throws, the destructor removes the observer
      child_.changes().remove_observer(lock, this);
      return true;
    }
    if (escalation_->needs_table(lock)) {
      wake_at_ = next_reading;
      if (!ended_) due_.add(index_);  // the leader has ended since the look: a reading from now on counts for it
      return false;
    }
    wake_at_ = escalation_->is_due(lock) ? child_.sys().now() : child_.leader().next_question(escalation_->deadline());
    bool look_again = escalation_->must_look_again(lock);
    // The reaper tells of a tree's end.
    if (child_.leader().ended(lock) && !look_again && child_.tree() == nullptr) {
      const SurvivorWatch watch = watch_survivor(child_, escalation_->survivors(lock));
      watched_ = watch.pidfd;
      look_again = watched_ < 0 && !watch.gone;
      if (watch.gone) due_.add(index_);
      // Nothing tells that a survivor leaves the group.
      if (watched_ >= 0) wake_at_ = std::min(wake_at_, deadline_after(child_.sys().now(), kLongestSurvivorPause));
    }
    wake_at_ = std::min(wake_at_, deadline_after(child_.sys().now(), child_.scope().longest_pause(lock)));
    if (look_again || is_blind()) wake_at_ = std::min(wake_at_, deadline_after(child_.sys().now(), kSurvivorPause));
    return false;
  }

  TimePoint wake_at() const { return wake_at_; }
  int watched() const { return watched_; }
  TerminationResult take_outcome() { return *std::move(outcome_); }

 private:
  // Nothing can be waited for, or the reaper may have a private descriptor table, without the event of DueChildren.
  bool is_blind() const { return child_.leader().process().pidfd() < 0; }
  void close_watch() {
    if (watched_ >= 0) child_.sys().close_fd(std::exchange(watched_, -1));
  }

  Supervised& child_;
  DueChildren& due_;
  const std::size_t index_;
  std::shared_ptr<Escalation> escalation_;
  bool ended_ = false;  // at the last look
  TimePoint wake_at_;
  int watched_ = -1;  // the pidfd of a survivor
  std::optional<TerminationResult> outcome_;
};

class Batch {
 public:
  explicit Batch(const std::vector<Supervised*>& children)
      : sys_(children.front()->sys()), due_(sys_, children.size()), table_(sys_) {
    for (Supervised* const child : children) parts_.push_back(std::make_unique<Part>(*child, due_, parts_.size()));
  }

  std::vector<TerminationResult> end(const TerminationPolicy& policy) {
    for (const auto& part : parts_) part->begin(policy);
    std::vector<std::size_t> due(parts_.size());
    for (std::size_t i = 0; i < due.size(); ++i) due[i] = i;
    for (advance(due); !left_.empty(); advance(due)) {
      due_.wait(watched(), left_.begin()->first);
      due = next();
      for (const std::size_t i : due) parts_[i]->look();
    }
    std::vector<TerminationResult> outcomes;
    for (const auto& part : parts_) outcomes.push_back(part->take_outcome());
    return outcomes;
  }

 private:
  // One reading of /proc serves all whose leaders had ended before it.
  // REQUIRES: each has been looked at.
  void advance(const std::vector<std::size_t>& due) {
    for (const std::size_t i : due) parts_[i]->ask_ahead();
    const TimePoint started = sys_.now();
    table_.renew();
    for (const std::size_t i : due) {
      if (parts_[i]->advance(started < next_reading_ ? nullptr : &table_, next_reading_)) continue;
      left_.emplace(parts_[i]->wake_at(), i);
      if (parts_[i]->watched() >= 0) watching_.push_back(i);
    }
    const TimePoint now = sys_.now();
    if (table_.was_read()) next_reading_ = now + std::max(absl::ToChronoNanoseconds(kReadingPause), now - started);
  }

  // Takes the children that are to be looked at out of those that are left.
  std::vector<std::size_t> next() {
    std::vector<std::size_t> due = due_.take();
    // A survivor may have ended. Which one is not asked, since few groups have survivors.
    due.insert(due.end(), watching_.begin(), watching_.end());
    watching_.clear();
    const TimePoint now = sys_.now();
    for (auto next = left_.begin(); next != left_.end() && next->first <= now; ++next) due.push_back(next->second);
    std::sort(due.begin(), due.end());
    due.erase(std::unique(due.begin(), due.end()), due.end());
    const auto is_over = [this](std::size_t i) { return left_.erase({parts_[i]->wake_at(), i}) == 0; };
    due.erase(std::remove_if(due.begin(), due.end(), is_over), due.end());
    return due;
  }

  std::vector<int> watched() const {
    std::vector<int> fds;
    for (const std::size_t i : watching_) fds.push_back(parts_[i]->watched());
    return fds;
  }

  Sys& sys_;
  DueChildren due_;
  std::vector<std::unique_ptr<Part>> parts_;
  ProcessTable table_;
  TimePoint next_reading_;                            // not earlier
  std::set<std::pair<TimePoint, std::size_t>> left_;  // by the time at which each has to go on
  std::vector<std::size_t> watching_;                 // those of left_ that wait for a survivor
};

}  // namespace

std::vector<TerminationResult> terminate_children(const std::vector<Supervised*>& children,
                                                  const TerminationPolicy& policy) {
  if (children.empty()) return {};
  return Batch(children).end(policy);
}

}  // namespace warden::internal
