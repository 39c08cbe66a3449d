#include "warden/output.h"

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/base/printable.h"
#include "lib/base/throw_error.h"
#include "lib/output/output_access.h"
#include "lib/output/output_chunk.h"

namespace warden {

using internal::OutputChunk;

std::string_view to_string(OutputStream stream) { return stream == OutputStream::kStdout ? "stdout" : "stderr"; }

Output::Output(std::vector<OutputChunk> chunks, internal::OutputFacts facts)
    : total_bytes_(facts.total_bytes),
      complete_(facts.complete),
      read_error_(facts.read_error),
      tail_(std::move(facts.tail)) {
  for (const OutputChunk& chunk : chunks) size_ += chunk.size;
  if (!chunks.empty()) chunks_ = new std::vector<OutputChunk>(std::move(chunks));
}

// Delegates, so that the destructor frees what has been copied if the rest throws.
Output::Output(const Output& other) : Output() {
  if (other.chunks_ != nullptr) chunks_ = new std::vector<OutputChunk>(*other.chunks_);
  size_ = other.size_;
  total_bytes_ = other.total_bytes_;
  complete_ = other.complete_;
  read_error_ = other.read_error_;
  tail_ = other.tail_;
}

Output::Output(Output&& other) noexcept { swap(other); }

Output& Output::operator=(const Output& other) {
  Output copy(other);
  swap(copy);
  return *this;
}

Output& Output::operator=(Output&& other) noexcept {
  Output taken(std::move(other));
  swap(taken);
  return *this;
}

Output::~Output() { delete chunks_; }

void Output::swap(Output& other) noexcept {
  std::swap(chunks_, other.chunks_);
  std::swap(size_, other.size_);
  std::swap(total_bytes_, other.total_bytes_);
  std::swap(complete_, other.complete_);
  std::swap(read_error_, other.read_error_);
  tail_.swap(other.tail_);
}

std::vector<std::string_view> Output::chunks() const {
  std::vector<std::string_view> views;
  if (chunks_ == nullptr) return views;
  views.reserve(chunks_->size());
  for (const OutputChunk& chunk : *chunks_) views.emplace_back(chunk.data.get(), chunk.size);
  return views;
}

std::string Output::text() const {
  std::string text;
  text.reserve(static_cast<std::size_t>(size_));
  for (const std::string_view piece : chunks()) text += piece;
  return text;
}

std::string OutputError::to_string() const {
  const std::string why = invalid_argument.has_value() ? invalid_argument->to_string() : code.message();
  const std::string what = stream.has_value() ? std::string(warden::to_string(*stream)) : "the output";
  return absl::StrCat("could not use ", what, " of '", internal::printable(process_name), "': ", why);
}

std::ostream& operator<<(std::ostream& out, OutputStream stream) { return out << to_string(stream); }
WARDEN_DEFINE_ERROR(OutputError)

std::string_view to_string(CaptureOptions::Keep value) {
  switch (value) {
    case CaptureOptions::Keep::kFirst:
      return "first";
    case CaptureOptions::Keep::kLast:
      return "last";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, CaptureOptions::Keep value) { return out << to_string(value); }

}  // namespace warden
