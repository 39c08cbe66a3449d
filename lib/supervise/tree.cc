#include "lib/supervise/tree.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "lib/base/os_error.h"
#include "lib/os/deadline.h"
#include "lib/os/proc.h"
#include "lib/os/wait_status.h"

namespace warden::internal {
namespace {

constexpr absl::Duration kLongestAnswer = absl::Seconds(1);
constexpr absl::Duration kLongestFarewell = absl::Seconds(1);
constexpr absl::Duration kLongestCollection = absl::Seconds(1);

// How often a keeper that does not answer is woken: a process of the tree may stop it again and again.
constexpr absl::Duration kWakePause = absl::Milliseconds(20);

// The same where it is not late.
constexpr absl::Duration kLongestPause = absl::Milliseconds(200);

// How many processes a look names at most.
constexpr std::size_t kMostMembers = 1000;

constexpr std::size_t kShortReport = offsetof(KeeperReport, usage);

ExitStatus status_of(const KeeperReport& report) {
  struct rusage usage;
  static_assert(sizeof usage == sizeof report.usage, "the kernel's struct rusage on 64-bit machines");
  ::memcpy(&usage, &report.usage, sizeof usage);
  return encoded_status(report.value).with_resource_usage(usage_of(usage));
}

}  // namespace

void Tree::begin(const Lock& lock, ChildId keeper, UniqueFd socket) {
  changes_.check(lock);
  keeper_.set(keeper);
  socket_ = HeldFd(std::move(socket));
}

void Tree::close_copies() {
  socket_.reset();
  const int fd = keeper_.release_pidfd();
  if (fd >= 0) sys_.close_fd(fd);
}

// --- What the keeper tells ---

bool Tree::update(const Lock& lock) {
  if (is_over_) return false;
  const bool leader_may_run = !leader_.ended(lock) && !leader_is_dead_ && !status_.has_value();
  pollfd polled[] = {{socket_.get(), POLLIN, 0},
                     {keeper_.pidfd(), POLLIN, 0},
                     {leader_may_run ? leader_.process().pidfd() : -1, POLLIN, 0}};
  const bool is_any_ready = sys_.poll_any(polled, 3, TimePoint::min());
  const bool is_refused = is_any_ready && (polled[0].revents | polled[1].revents | polled[2].revents) == 0;
  const bool has_died = polled[2].revents != 0;
  leader_is_dead_ = leader_is_dead_ || has_died;
  is_blind_ = is_refused;
  const bool may_have_told = polled[0].revents != 0 || polled[0].fd < 0 || is_refused;
  const bool has_news = may_have_told && read_reports(lock);
  // Where nothing tells of its end, it is asked once that may be near.
  const bool is_near = is_killing_ || is_empty_ || is_closed_ || !leader_may_run || leader_is_dead_;
  const bool may_have_ended = polled[1].revents != 0 || ((polled[1].fd < 0 || is_refused) && is_near);
  if (may_have_ended) look_at_keeper(lock);
  return has_news || has_died || is_over_;
}

// ECONNRESET tells that the keeper has ended without having read an order, once, and before what it has told.
bool Tree::read_reports(const Lock& lock) {
  const int fd = socket_.get();
  if (fd < 0) is_closed_ = true;
  bool has_news = false;
  while (!is_closed_) {
    KeeperReport report;
    const ssize_t size = ::recv(fd, &report, sizeof report, MSG_DONTWAIT);
    if (size >= static_cast<ssize_t>(kShortReport)) {
      take(report);
      has_news = true;
    } else if (size < 0 && (errno == EAGAIN || errno == ENOMEM)) {
      break;
    } else if (size >= 0 || (errno != EINTR && errno != ECONNRESET)) {
      is_closed_ = has_news = true;
    }
  }
  if (has_news) changes_.notify(lock);
  return has_news;
}

void Tree::take(const KeeperReport& report) {
  switch (report.kind) {
    case KeeperReport::Kind::kEnded:
      if (!status_.has_value()) status_ = status_of(report);
      is_empty_ = is_empty_ || report.is_empty != 0;
      break;
    case KeeperReport::Kind::kEmpty:
      is_empty_ = true;
      break;
    case KeeperReport::Kind::kAnswer:
      for (Question* const question : {&now_, &ahead_}) {
        if (report.number == question->number) question->answer = report;
      }
      break;
    case KeeperReport::Kind::kStopped:
      stopped_by_ = report.value;
      break;
    case KeeperReport::Kind::kContinued:
      stopped_by_ = 0;
      break;
    case KeeperReport::Kind::kRefused:
      refusal_ = report.value;
      break;
    case KeeperReport::Kind::kReady:
    case KeeperReport::Kind::kFailed:
      break;
  }
}

// Its exit code says the same as its last report: where the host has closed the socket, that alone is left.
void Tree::look_at_keeper(const Lock& lock) {
  WaitOutcome seen = sys_.look(keeper_.id(), Reap::kCollect);
  const bool is_gone = seen.status.has_value() || seen.error == ECHILD;  // somebody else has collected it
  const int fd = keeper_.pidfd();
  if (!is_gone) {
    if (!is_closed_ || fd < 0 || !sys_.poll_readable(&fd, 1, TimePoint::min())) return;
    seen = sys_.look(keeper_.id(), Reap::kCollect);  // it may have ended since; else a tracer holds it
  }
  is_over_ = true;
  if (seen.status.has_value() && seen.status->exit_code() == kTreeIsEmpty) is_empty_ = true;
  read_reports(lock);  // what it has told before its end
  changes_.notify(lock);
}

// The leader is dead, and the keeper is about to collect it and to tell; unless a tracer holds one of the two.
void Tree::wait_for_status(const Lock& lock) {
  const TimePoint deadline = deadline_after(sys_.now(), kLongestCollection);
  while (!status_.has_value() && !is_over_ && !is_closed_ && sys_.now() < deadline) {
    if (!await_report(std::min(deadline, deadline_after(sys_.now(), kWakePause)))) wake_keeper();
    update(lock);
  }
}

// The keeper has said that nobody is left, and is about to end.
void Tree::wait_for_end(const Lock& lock) {
  const TimePoint deadline = deadline_after(sys_.now(), kLongestCollection);
  const int fd = keeper_.pidfd();
  while (is_empty_ && !is_over_ && fd >= 0 && sys_.now() < deadline) {
    if (!sys_.poll_readable(&fd, 1, std::min(deadline, deadline_after(sys_.now(), kWakePause)))) wake_keeper();
    update(lock);
  }
}

bool Tree::ends_at_once(const Lock& lock, TimePoint deadline) {
  changes_.check(lock);
  const int fd = keeper_.pidfd();
  if (!is_killing_ || is_over_ || fd < 0 || is_late()) return false;
  if (sys_.poll_readable(&fd, 1, std::min(deadline, late_at_))) return true;
  wake_keeper();
  return false;
}

bool Tree::is_late() const { return sys_.now() >= late_at_; }

// Until the keeper has told something, or has ended.
bool Tree::await_report(TimePoint deadline) {
  WaitFds fds;
  fds.add(socket_.get());
  fds.add(keeper_.pidfd());
  return sys_.poll_readable(fds.fds, fds.count, deadline);
}

WaitOutcome Tree::look_at_leader(const Lock& lock) {
  update(lock);
  if (status_.has_value()) {
    // The keeper has collected it, so that the kernel has the status (Linux 6.15).
    const int fd = leader_.process().pidfd();
    const WaitOutcome info = fd < 0 ? WaitOutcome{ENOSYS, std::nullopt} : sys_.exit_info(fd);
    if (info.status.has_value() && *info.status != *status_) status_ = info.status;
    return {0, status_, true};
  }
  if (leader_is_dead_ && !was_waited_for_) {
    was_waited_for_ = true;
    if (!is_killing_) wait_for_status(lock);  // else its end, which is near, tells
    if (status_.has_value()) return {0, status_, true};
    if (is_closed_) return {ECHILD, std::nullopt};
  }
  if (is_over_) return look_without_keeper();
  if ((leader_is_dead_ || is_killing_) && is_late()) wake_keeper();  // it goes on at once, if nobody has stopped it
  return {};
}

WaitOutcome Tree::look_without_keeper() {
  const int fd = leader_.process().pidfd();
  if (!leader_is_dead_) leader_is_dead_ = fd < 0 || sys_.poll_readable(&fd, 1, TimePoint::min());
  return {leader_is_dead_ ? ECHILD : 0, std::nullopt};
}

// The last words of a keeper come with its end: a wait that wants both waits for that alone. A leader dies with its
// keeper, so that its pidfd tells of that, too.
WaitFds Tree::news(const Lock& lock) const {
  WaitFds fds;
  const bool leader_may_run = !leader_.ended(lock) && !leader_is_dead_;
  if (!is_over_ && !is_killing_ && !is_empty_ && !is_closed_) fds.add(socket_.get());
  if (leader_may_run && !is_killing_) {
    fds.add(leader_.process().pidfd());
  } else if (!is_over_) {
    fds.add(keeper_.pidfd());
  }
  return fds;
}

TimePoint Tree::next_look(const Lock&, TimePoint deadline) const {
  if (status_.has_value() || (!leader_is_dead_ && !is_killing_)) return deadline;
  return std::min(deadline, deadline_after(sys_.now(), is_killing_ ? kLongestPause : kWakePause));
}

// A process of the tree may stop the keeper, which each look wakes.
absl::Duration Tree::longest_pause(const Lock&) const {
  if (is_over_) return absl::InfiniteDuration();
  return is_killing_ && is_late() ? kWakePause : kLongestPause;
}

// --- What the keeper is told ---

// Also where a process of the tree has stopped it. SIGCONT is blocked in it, and does nothing else.
void Tree::wake_keeper() const {
  const int fd = keeper_.pidfd();
  if (fd >= 0) sys_.pidfd_kill_process(fd, SIGCONT);
}

int Tree::order(KeeperOrder::Kind kind, int signal, std::uint32_t number) {
  const int fd = socket_.get();
  if (fd < 0) return EPIPE;
  wake_keeper();
  const KeeperOrder order = {kind, signal, number};
  const TimePoint deadline = deadline_after(sys_.now(), kLongestFarewell);
  for (;;) {
    if (::send(fd, &order, sizeof order, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return errno;
    pollfd polled = {fd, POLLOUT, 0};
    if (!sys_.poll_any(&polled, 1, deadline) || sys_.now() >= deadline) return EAGAIN;
  }
}

bool Tree::ask_ahead(const Lock& lock, int signal) {
  update(lock);
  const bool leader_ran = !leader_.ended(lock) && !status_.has_value();
  if (is_over_ || is_empty_ || ask(signal, &ahead_) != 0) return false;
  if (leader_ran) note_sent(signal);
  return true;
}

void Tree::let_go(const Lock& lock) {
  changes_.check(lock);
  if (!is_over_ && order(KeeperOrder::Kind::kLetGo, 0, 0) != 0) order_by_signal(kLetGoSignal);
}

int Tree::send(const Lock& lock, AttemptTarget target, int signal, std::string* detail) {
  if (target == AttemptTarget::kLeader) {
    const int error = leader_.send(lock, signal);
    if (error == 0 && !leader_.ended(lock)) note_sent(signal);
    return error;
  }
  if (is_empty_ && ahead_.signal != signal) return 0;
  const bool leader_ran = !leader_.ended(lock) && !status_.has_value();
  const int error = is_lost()           ? send_to_known(lock, signal)
                    : signal == SIGKILL ? kill_all(lock)
                                        : signal_all(lock, signal, detail);
  if (error == 0 && leader_ran) note_sent(signal);
  return error;
}

// The leader by its pidfd: it is on its way out while the keeper looks for the others.
int Tree::kill_all(const Lock& lock) {
  if (!leader_.ended(lock)) leader_.send(lock, SIGKILL);
  int error = order(KeeperOrder::Kind::kKill, 0, 0);
  if (error != 0) error = order_by_signal(kKillSignal);
  if (error != 0) return send_without_keeper(lock, SIGKILL, error);
  is_killing_ = true;
  late_at_ = deadline_after(sys_.now(), kWakePause);
  return 0;
}

// The keeper does not take the order: it may have ended, because nobody was left or without a word.
int Tree::send_without_keeper(const Lock& lock, int signal, int error) {
  update(lock);
  if (is_empty_) return 0;
  return is_lost() ? send_to_known(lock, signal) : error;
}

// The number is the keeper's while it is our child.
int Tree::order_by_signal(int signal) {
  wake_keeper();
  const int fd = keeper_.pidfd();
  if (fd >= 0) return -sys_.pidfd_kill_process(fd, signal);
  if (sys_.look({keeper_.pid(), -1}, Reap::kLeave).error == ECHILD) return ESRCH;
  sys_.kill_process(keeper_.pid(), SIGCONT);
  return -sys_.kill_process(keeper_.pid(), signal);
}

// Without a keeper only the leader and its group have a name. The group gets nothing but SIGKILL (Linux 6.9), and not
// where this process is in it.
int Tree::send_to_known(const Lock& lock, int signal) {
  const int fd = leader_.process().pidfd();
  if (fd < 0) return ESRCH;
  const bool has_group = signal == SIGKILL && sys_.get_process_group(0) != leader_.process().pid();
  const int group_error = has_group ? -sys_.pidfd_kill_group(fd, signal) : ESRCH;
  const int leader_error = leader_.ended(lock) ? ESRCH : leader_.send(lock, signal);
  return group_error == 0 ? 0 : leader_error;
}

int Tree::ask(int signal, Question* question) {
  *question = {signal, ++asked_, deadline_after(sys_.now(), kLongestAnswer), std::nullopt};
  const int refused = order(KeeperOrder::Kind::kSignal, signal, asked_);
  if (refused != 0) question->signal = 0;
  return refused;
}

int Tree::signal_all(const Lock& lock, int signal, std::string* detail) {
  const bool was_asked = ahead_.signal == signal;
  Question& question = was_asked ? ahead_ : now_;
  const int refused = was_asked ? 0 : ask(signal, &question);
  question.signal = 0;
  if (refused != 0) return send_without_keeper(lock, signal, refused);
  if (signal == SIGCONT) return 0;  // who was signalled before is known
  while (!question.answer.has_value()) {
    const bool is_readable = await_report(std::min(question.answer_by, deadline_after(sys_.now(), kWakePause)));
    read_reports(lock);
    if (!question.answer.has_value() && is_readable && !is_closed_) look_at_keeper(lock);
    if (question.answer.has_value()) break;
    if (is_over_ || is_closed_) return send_without_keeper(lock, signal, ESRCH);
    if (sys_.now() >= question.answer_by) return ETIMEDOUT;
    if (!is_readable) wake_keeper();
  }
  const KeeperReport& answer = *question.answer;
  if (detail != nullptr) {
    *detail = absl::StrCat(answer.count, answer.count == 1 ? " process" : " processes");
    if (answer.value != 0 && answer.pid != 0) {
      absl::StrAppend(detail, "; ", answer.pid, ": ", os_error(answer.value).message());
    }
  }
  return answer.count > 0 ? 0 : answer.value;
}

// --- Who is left ---

bool Tree::may_live(const Lock& lock) {
  update(lock);
  return !is_done(lock);
}

GroupState Tree::look(const Lock& lock, ProcessTable&, std::vector<Member>* live) {
  live->clear();
  update(lock);
  wait_for_end(lock);
  if (is_over_) return is_empty_ ? GroupState::kEmpty : GroupState::kLost;
  if (is_late()) wake_keeper();
  if (is_empty_ || is_killing_) return GroupState::kEnding;
  *live = name_left(lock);
  return GroupState::kLive;
}

std::vector<Member> Tree::name_left(const Lock& lock) {
  std::vector<Member> left;
  if (is_over_) return left;  // the keeper's number may be somebody else's
  const int leader_pid = leader_.ended(lock) ? -1 : leader_.process().pid();
  sys_.with_free_descriptors([&] { left = members(leader_pid); });
  return left;
}

// As /proc has them, below the keeper, whose number is ours until it is collected; without the leader. To name them,
// and for nothing else.
std::vector<Member> Tree::members(int leader_pid) const {
  std::vector<Member> found;
  std::set<int> seen;
  std::vector<int> parents = {keeper_.pid()};
  while (!parents.empty() && found.size() < kMostMembers) {
    const int parent = parents.back();
    parents.pop_back();
    std::vector<int> threads;
    if (list_numbers(absl::StrCat("/proc/", parent, "/task").c_str(), &threads) != 0) continue;
    for (const int thread : threads) {
      std::string text;
      if (sys_.read_proc(parent, absl::StrCat("task/", thread, "/children").c_str(), &text) != 0) continue;
      for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
        int pid = 0;
        if (!absl::SimpleAtoi(word, &pid) || !seen.insert(pid).second) continue;
        parents.push_back(pid);
        if (pid == leader_pid) continue;
        std::string stat_text;
        if (sys_.read_proc(pid, "stat", &stat_text) != 0) continue;
        const std::optional<ProcessStat> stat = parse_stat(stat_text);
        if (stat.has_value() && !stat->is_dead()) found.push_back({pid, stat->program, stat->start_time});
      }
    }
  }
  return found;
}

}  // namespace warden::internal
