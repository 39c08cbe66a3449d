// Feeds a child's stdin on a thread of its own, and closes it at the end.
#ifndef WARDEN_LIB_STDIN_STDIN_FEEDER_H_
#define WARDEN_LIB_STDIN_STDIN_FEEDER_H_

#include <pthread.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "lib/os/unique_fd.h"
#include "lib/supervise/supervised.h"
#include "warden/stdin_error.h"

namespace warden::internal {

// The result. The first `written` bytes went into the pipe: all of them, when there is no error.
struct FeedReport {
  std::uint64_t written = 0;
  std::optional<StdinError> stdin_error = std::nullopt;  // its `written` counts the last write alone
  std::error_code source_error;                          // of reading the source
  bool is_out_of_memory = false;
  bool abandoned = false;  // a read did not return: the thread is left behind, and ends when it does
};

// Stops at once when the child closes its stdin or ends, and when another thread closes the pipe. Not thread-safe. Not
// for use in a forked copy.
class StdinFeeder {
 public:
  StdinFeeder() = default;
  ~StdinFeeder();
  StdinFeeder(const StdinFeeder&) = delete;
  StdinFeeder& operator=(const StdinFeeder&) = delete;

  // Call one of the two, once. Returns 0, or the errno of creating the thread.
  int start(std::shared_ptr<Supervised> child, std::string data);
  // Reads `source` to its end, as fast as the child does. No other thread or process may read from it meanwhile.
  int start(std::shared_ptr<Supervised> child, UniqueFd source);

  // Waits until everything is fed, or until the deadline, and then closes the pipe.
  // Blocks: 3 s beyond the deadline at most.
  FeedReport finish(TimePoint deadline);

 private:
  struct Feed;
  int start(std::shared_ptr<Feed> feed);
  void stop(Feed& feed, TimePoint deadline);
  static void* thread_main(void* argument);

  std::shared_ptr<Feed> feed_;  // null before the start and after the end
  pthread_t thread_ = {};
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_STDIN_STDIN_FEEDER_H_
