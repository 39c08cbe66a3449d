// The bytes of a stream that are kept, within a limit.
#ifndef WARDEN_LIB_OUTPUT_CHUNK_LIST_H_
#define WARDEN_LIB_OUTPUT_CHUNK_LIST_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/output/output_chunk.h"
#include "warden/output.h"

namespace warden::internal {

// Has no lock. One thread at a time fills it, and may read it meanwhile; every other reader, and every change that says
// so, needs the caller's lock. Bytes never move or change once they are there: read(2) puts them where they are kept,
// and a snapshot shares them without a copy.
class ChunkList {
 public:
  // Chunks grow from the first size to the largest, which is the capacity of a raised pipe: little output takes little
  // memory, and with much output one read empties the pipe.
  static constexpr std::size_t kFirstChunk = 16 * 1024;
  static constexpr std::size_t kLargestChunk = 256 * 1024;
  // The largest of a list whose limit is lower than that.
  static constexpr std::size_t kLargestOfFew = 64 * 1024;

  // How many bytes are kept of the end of what is lost.
  static constexpr std::size_t kTail = 4097;

  explicit ChunkList(const CaptureOptions& options);

  struct Space {
    char* data = nullptr;
    std::size_t size = 0;
  };

  // Where the next bytes go; empty when no more are kept, or there is no memory. Changes nothing that other threads
  // see.
  Space space();
  // The caller has put so many bytes there. Under the lock; allocates nothing.
  void commit(std::size_t count);
  // Counts bytes that have come and are not kept, and before them those that were left unread. From then on a list that
  // keeps the first bytes keeps none that come later, and one that keeps the last drops all that came before: there is
  // never a gap within what is kept. Under the lock.
  void lose(std::string_view bytes, std::uint64_t unread = 0);

  // Whether every byte is lost, by a limit of 0.
  bool keeps_nothing() const { return limit_ == 0; }
  std::uint64_t total() const { return total_; }
  // How many are kept.
  std::uint64_t size() const { return size_; }
  // How many the allocated chunks could hold, the spare one included.
  std::uint64_t allocated() const;

  // What is kept, in order, shared rather than copied. Under the lock.
  std::vector<OutputChunk> snapshot();
  // Visits the same pieces in order, for the thread that fills. `visit` takes a std::string_view.
  template <class Visitor>
  void for_each(Visitor visit) const {
    for (const Chunk& chunk : chunks_) visit(visible(chunk));
  }
  // Whether the first byte that is kept begins a line, as far as what came before it tells.
  bool begins_a_line() const { return begins_a_line_; }
  // Whether bytes that came after what is kept were lost.
  bool ends_early() const { return ends_early_; }
  // Whether the first of those is a newline, so that the last line that is kept is whole.
  bool ends_before_newline() const { return ends_before_newline_; }
  // The last of those lost bytes, kTail at most; none where there was no memory for them. Under the lock.
  const std::string& tail() const { return tail_; }

 private:
  struct Chunk {
    std::shared_ptr<char> memory;
    std::size_t capacity = 0;
    std::size_t size = 0;
    std::size_t begin = 0;   // what is before it is beyond the limit
    bool is_shared = false;  // a snapshot has it
  };

  static std::string_view visible(const Chunk& chunk) {
    return {chunk.memory.get() + chunk.begin, chunk.size - chunk.begin};
  }
  bool allocate(std::size_t capacity);
  void keep_tail(std::string_view bytes);
  void drop_first(std::uint64_t count);

  const std::uint64_t limit_;
  const CaptureOptions::Keep keep_;
  const std::size_t largest_;
  std::uint64_t total_ = 0;
  std::uint64_t size_ = 0;
  bool begins_a_line_ = true;
  bool ends_early_ = false;
  bool ends_before_newline_ = false;
  std::string tail_;
  std::size_t next_capacity_ = kFirstChunk;
  std::list<Chunk> chunks_;
  std::list<Chunk> spare_;  // the next chunk, if any
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_CHUNK_LIST_H_
