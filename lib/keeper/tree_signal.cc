#include "lib/keeper/tree_signal.h"

#include <errno.h>
#include <sys/mman.h>

#include "lib/keeper/calls.h"
#include "lib/keeper/children.h"

namespace warden::internal {
namespace {

struct Visited {
  int pid;
  int parent;  // the index of another; -1: the keeper
  long pidfd;  // -1 before the visit
};

// A page fault a page of them, and nothing for the rest.
constexpr int kMost = 65536;
constexpr std::size_t kSize = sizeof(Visited) * kMost;

struct Stat {
  char state;
  int parent, group, threads;
  bool is_dead() const { return (state == 'Z' || state == 'X') && threads <= 1; }
};

// 0, or -errno.
long read_stat(long proc, int pid, Stat* stat) {
  const long fd = open_file(proc, ProcPath(pid, "stat").get(), 0);
  if (fd < 0) return fd;
  char text[1024];
  const long size = raw_syscall(SYS_read, fd, as_argument(text), sizeof text - 1);
  close_fd(fd);
  if (size <= 0) return size < 0 ? size : -ESRCH;
  text[size] = '\0';
  const char* at = nullptr;  // the end of the name, which may have parentheses itself
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c == ')') at = c;
  }
  if (at == nullptr || at[1] != ' ' || at[2] == '\0') return -EINVAL;
  stat->state = at[2];
  at = read_number(at + 3, &stat->parent);
  at = read_number(at, &stat->group);
  for (int field = 6; field <= 20; ++field) at = read_number(at, &stat->threads);
  return 0;
}

// Whether its number is still its own, as also a zombie's is.
bool lives(long pidfd) { return signal_by_pidfd(pidfd, 0) != -ESRCH; }

class Walk {
 public:
  Walk(TreeSignal& order, Visited* visited) : order_(order), visited_(visited) {}

  void run(bool leaves_group) {
    leaves_group_ = leaves_group;
    add_children(self_, -1);
    while (size_ > 0) {
      Visited& last = visited_[size_ - 1];
      if (last.pidfd >= 0) {  // all below it are done
        close_fd(last.pidfd);
        --size_;
      } else if (Stat stat = {}; !visit(last, &stat)) {
        --size_;
      } else {
        // Its children first: where the signal ends it at once, they become the keeper's, whose list was read before.
        const int index = size_ - 1;
        add_children(last.pid, index);
        if (!stat.is_dead()) send(visited_[index], stat);
      }
    }
  }

 private:
  void add_children(int pid, int index) {
    const long error = visit_children(order_.proc, pid, [this, index](int child) {
      if (size_ == kMost) return note(E2BIG, 0);
      visited_[size_++] = {child, index, -1};
    });
    if (error < 0) note_unless_gone(error, pid);
  }

  // False where it is not of the tree, or not any more. Its pidfd stays open until those below it are done.
  bool visit(Visited& one, Stat* stat) {
    const long fd = raw_syscall(SYS_pidfd_open, one.pid, 0);
    if (fd < 0) {
      note_unless_gone(fd, one.pid);
      return false;
    }
    if (!is_of_tree(one, fd, stat)) {
      close_fd(fd);
      return false;
    }
    one.pidfd = fd;
    return true;
  }

  // A parent that has been reaped since has left the process to one above it, or to the keeper.
  bool is_of_tree(const Visited& one, long fd, Stat* stat) {
    while (++visits_ <= kMost) {
      if (const long error = read_stat(order_.proc, one.pid, stat); error < 0) {
        note_unless_gone(error, one.pid);
        return false;
      }
      if (!lives(fd)) return false;
      if (stat->parent == self_) return true;
      int above = one.parent;
      while (above >= 0 && visited_[above].pid != stat->parent) above = visited_[above].parent;
      if (above < 0) return false;
      if (lives(visited_[above].pidfd)) return true;
    }
    note(E2BIG, 0);
    return false;
  }

  void send(const Visited& one, const Stat& stat) {
    const bool gets_it_later = leaves_group_ && stat.group == order_.program;
    const long error = signal_by_pidfd(one.pidfd, gets_it_later ? 0 : order_.signal);
    if (error == 0) {
      ++order_.signalled;
    } else {
      note_unless_gone(error, one.pid);
    }
  }

  void note_unless_gone(long error, int pid) {
    if (error != -ESRCH && error != -ENOENT) note(static_cast<int>(-error), pid);
  }

  void note(int error, int pid) {
    if (order_.error != 0) return;
    order_.error = error;
    order_.refused_pid = pid;
  }

  TreeSignal& order_;
  Visited* const visited_;
  int size_ = 0;
  int visits_ = 0;  // what is read of processes
  bool leaves_group_ = false;
  const int self_ = static_cast<int>(raw_syscall(SYS_getpid));
};

}  // namespace

int group_of_host() {
  const long group = raw_syscall(SYS_getpgid, raw_syscall(SYS_getppid));
  return group < 0 ? 0 : static_cast<int>(group);
}

void signal_tree(TreeSignal& order) {
  const bool by_group = order.program != 0 && order.by_group && order.program != group_of_host();
  const long memory =
      raw_syscall(SYS_mmap, 0, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory < 0 && memory > -4096) {
    order.error = static_cast<int>(-memory);
  } else {
    Walk(order, reinterpret_cast<Visited*>(memory)).run(by_group);
    raw_syscall(SYS_munmap, memory, kSize);
  }
  // Where the walk could not count anybody, the group has somebody all the same.
  if (by_group && signal_process(-order.program, order.signal) == 0 && order.signalled == 0) order.signalled = 1;
}

}  // namespace warden::internal
