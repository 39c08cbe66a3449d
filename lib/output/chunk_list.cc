#include "lib/output/chunk_list.h"

#include <algorithm>
#include <new>

namespace warden::internal {

using Keep = CaptureOptions::Keep;

ChunkList::ChunkList(const CaptureOptions& options)
    : limit_(options.limit),
      keep_(options.keep),
      largest_(static_cast<std::size_t>(std::clamp<std::uint64_t>(options.limit, kLargestOfFew, kLargestChunk))) {}

bool ChunkList::allocate(std::size_t capacity) {
  try {
    Chunk chunk;
    chunk.memory = std::shared_ptr<char>(new char[capacity], std::default_delete<char[]>());
    chunk.capacity = capacity;
    spare_.push_back(std::move(chunk));
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

ChunkList::Space ChunkList::space() {
  const std::uint64_t left = keep_ == Keep::kFirst ? limit_ - std::min(size_, limit_) : limit_;
  if (left == 0 || ends_early_) return {};
  if (!chunks_.empty() && chunks_.back().size < chunks_.back().capacity) {
    Chunk& last = chunks_.back();
    const std::size_t room = last.capacity - last.size;
    return {last.memory.get() + last.size, keep_ == Keep::kFirst ? std::min<std::uint64_t>(room, left) : room};
  }
  const std::size_t wanted = keep_ == Keep::kFirst ? std::min<std::uint64_t>(next_capacity_, left) : next_capacity_;
  if (!spare_.empty() && spare_.back().capacity < wanted) spare_.clear();
  if (spare_.empty() && !allocate(wanted)) return {};
  const Chunk& next = spare_.back();
  return {next.memory.get(), keep_ == Keep::kFirst ? std::min<std::uint64_t>(next.capacity, left) : next.capacity};
}

void ChunkList::commit(std::size_t count) {
  if (chunks_.empty() || chunks_.back().size == chunks_.back().capacity) {
    chunks_.splice(chunks_.end(), spare_, spare_.begin());
    next_capacity_ = std::min(2 * next_capacity_, largest_);
  }
  chunks_.back().size += count;
  size_ += count;
  total_ += count;
  if (size_ > limit_) drop_first(size_ - limit_);
}

void ChunkList::lose(std::string_view bytes, std::uint64_t unread) {
  if (bytes.empty() && unread == 0) return;
  if (total_ == size_ && size_ > 0) ends_before_newline_ = unread == 0 && bytes.front() == '\n';
  total_ += unread + bytes.size();
  ends_early_ = keep_ == Keep::kFirst;
  if (unread > 0) tail_.clear();
  if (ends_early_) return keep_tail(bytes);
  drop_first(size_);
  begins_a_line_ = !bytes.empty() && bytes.back() == '\n';
}

void ChunkList::keep_tail(std::string_view bytes) {
  try {
    tail_.reserve(2 * kTail);  // allocates the first time only
  } catch (const std::bad_alloc&) {
    return;
  }
  bytes.remove_prefix(bytes.size() - std::min(bytes.size(), kTail));
  const std::size_t after = tail_.size() + bytes.size();
  if (after > kTail) tail_.erase(0, after - kTail);
  tail_ += bytes;
}

// Uses a chunk again that no snapshot shares.
void ChunkList::drop_first(std::uint64_t count) {
  size_ -= count;
  while (count > 0) {
    Chunk& first = chunks_.front();
    const std::uint64_t here = std::min<std::uint64_t>(count, first.size - first.begin);
    first.begin += static_cast<std::size_t>(here);
    count -= here;
    begins_a_line_ = first.memory.get()[first.begin - 1] == '\n';
    if (first.begin < first.size) break;
    spare_.splice(spare_.begin(), chunks_, chunks_.begin());
    Chunk& freed = spare_.front();
    freed.size = freed.begin = 0;
    if (freed.is_shared || spare_.size() > 1) spare_.pop_front();
  }
}

std::uint64_t ChunkList::allocated() const {
  std::uint64_t sum = 0;
  for (const Chunk& chunk : chunks_) sum += chunk.capacity;
  for (const Chunk& chunk : spare_) sum += chunk.capacity;
  return sum;
}

std::vector<OutputChunk> ChunkList::snapshot() {
  std::vector<OutputChunk> pieces;
  pieces.reserve(chunks_.size());
  for (Chunk& chunk : chunks_) {
    const std::string_view bytes = visible(chunk);
    if (bytes.empty()) continue;
    chunk.is_shared = true;
    pieces.push_back({std::shared_ptr<const char>(chunk.memory, bytes.data()), bytes.size()});
  }
  return pieces;
}

}  // namespace warden::internal
