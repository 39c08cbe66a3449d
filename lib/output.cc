#include "warden/output.h"

#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "lib/internal/throw_error.h"

namespace warden {

std::string_view to_string(OutputStream stream) { return stream == OutputStream::kStdout ? "stdout" : "stderr"; }

Output::Output(std::vector<Chunk> chunks, const Facts& facts)
    : chunks_(std::move(chunks)),
      total_bytes_(facts.total_bytes),
      complete_(facts.complete),
      read_error_(facts.read_error) {
  for (const Chunk& chunk : chunks_) size_ += chunk.size;
}

std::vector<std::string_view> Output::chunks() const {
  std::vector<std::string_view> views;
  views.reserve(chunks_.size());
  for (const Chunk& chunk : chunks_) views.emplace_back(chunk.data.get(), chunk.size);
  return views;
}

std::string Output::text() const {
  std::string text;
  text.reserve(static_cast<std::size_t>(size_));
  for (const Chunk& chunk : chunks_) text.append(chunk.data.get(), chunk.size);
  return text;
}

std::string OutputError::to_string() const {
  const std::string why = invalid_argument.has_value() ? invalid_argument->to_string() : code.message();
  const std::string what = stream.has_value() ? std::string(warden::to_string(*stream)) : "the output";
  return absl::StrCat("could not use ", what, " of '", process_name, "': ", why);
}

std::error_code make_error_code(const OutputError& error) { return error.code; }

void outcome_throw_as_system_error_with_payload(const OutputError& error) {
  internal::throw_system_error(error.code, error.to_string());
}

std::ostream& operator<<(std::ostream& out, OutputStream stream) { return out << to_string(stream); }
std::ostream& operator<<(std::ostream& out, const OutputError& error) { return out << error.to_string(); }

}  // namespace warden
