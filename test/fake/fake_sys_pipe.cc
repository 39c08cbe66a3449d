// The child's stdin pipe on the fake.
#include <errno.h>

#include <algorithm>

#include "test/fake/fake_sys.h"

namespace warden::internal {

bool FakeSys::is_ready(pollfd& polled) {
  const bool is_pipe = (polled.events & POLLIN) == 0;
  polled.revents = 0;
  if (is_pipe && !pipe_has_reader) polled.revents |= POLLERR;
  if ((polled.events & POLLOUT) != 0 && pipe_room > 0) polled.revents |= POLLOUT;
  if (!is_pipe && readable(polled.fd)) polled.revents |= POLLIN;
  return polled.revents != 0;
}

bool FakeSys::poll_any(pollfd* polled, std::size_t count, TimePoint deadline) {
  record(Call::kPoll, polled->fd, 0, 0);
  const auto ready = [&] { return std::count_if(polled, polled + count, [&](pollfd& one) { return is_ready(one); }); };
  while (ready() == 0) {
    bool woken = false;
    if (!run_next_event(deadline, &woken)) return ready() != 0;
  }
  return true;
}

ssize_t FakeSys::write_pipe(int fd, const char* data, std::size_t size) {
  if (during_next_write) std::exchange(during_next_write, nullptr)();
  const int failure = take_failure(Call::kWritePipe);
  const std::size_t fits = std::min(size, pipe_room);
  int result = static_cast<int>(fits);
  if (fits == 0) result = -EAGAIN;
  if (!pipe_has_reader) result = -EPIPE;
  if (failure != 0) result = -failure;
  if (result > 0) {
    piped.append(data, fits);
    pipe_room -= fits;
  }
  return record(Call::kWritePipe, fd, 0, result);
}

}  // namespace warden::internal
