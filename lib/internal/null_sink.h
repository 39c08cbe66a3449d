// Where bytes of a pipe go that nobody wants.
#ifndef WARDEN_LIB_INTERNAL_NULL_SINK_H_
#define WARDEN_LIB_INTERNAL_NULL_SINK_H_

#include <atomic>
#include <cstddef>

namespace warden::internal {

// /dev/null, to which the kernel moves them without a copy (splice(2)).
//
// It is opened for each call: a host that closes all descriptors and opens files of its own is never to find that what
// it had at our number is a file of its own now, to which we write.
class NullSink {
 public:
  explicit NullSink(const char* path = "/dev/null") : path_(path) {}
  ~NullSink() { close_copy(); }
  NullSink(const NullSink&) = delete;
  NullSink& operator=(const NullSink&) = delete;

  // Takes at most so many bytes out of the pipe, without waiting for any. How many; 0 where there are none, or where
  // that is not to be had: no descriptor is left, a seccomp filter refuses the call, or something else is at the path
  // (a chroot may have anything there), which is left as it is.
  std::size_t swallow(int pipe, std::size_t most);

  // In a forked copy, which may have been made in the middle of swallow(). Idempotent.
  void close_copy();

 private:
  bool open();

  const char* const path_;
  std::atomic<int> fd_{-1};
  bool is_refused_ = false;  // once and for all
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_INTERNAL_NULL_SINK_H_
