// What a child has written: how much of it is kept, and what there is of it.
//
// Example:
//   warden::Command command("make");
//   command.stdout_to(warden::Stdio::capture()).stderr_to(warden::Stdio::merge());
//   warden::Child child = warden::Child::spawn(command).value();
//   ...
//   const warden::Output output = child.output(warden::OutputStream::kStdout).value();
//   if (output.truncated()) log("of ", output.total_bytes(), " bytes:");
//   log(output.text());
#ifndef WARDEN_OUTPUT_H_
#define WARDEN_OUTPUT_H_

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "warden/error.h"

namespace warden {

namespace internal {
struct OutputAccess;
struct OutputChunk;
struct OutputFacts;
}  // namespace internal

// A stream that can be captured.
enum class OutputStream { kStdout, kStderr };

// "stdout", "stderr".
std::string_view to_string(OutputStream stream);
std::ostream& operator<<(std::ostream& out, OutputStream stream);

// How much of a stream is kept (Stdio::capture).
struct CaptureOptions {
  // As a limit: everything is kept, until memory ends. For a child that is trusted not to write for ever.
  static constexpr std::uint64_t kUnbounded = ~std::uint64_t{0};

  // The part that is kept of a stream that is longer.
  enum class Keep { kFirst, kLast };

  // How many bytes are kept, 8 MiB by default. What is beyond is read all the same, so that the child never stands
  // still, but only counted. Zero keeps nothing, and costs a descriptor for each stream. Memory: what is kept, and up
  // to 512 KiB more with kLast.
  std::uint64_t limit = 8 * 1024 * 1024;
  Keep keep = Keep::kFirst;

  // The longest line that is handed out (output_line.h), without its newline; the rest of a longer one is dropped and
  // the line is marked. 16 KiB by default; not zero. Has no effect on what is kept.
  std::size_t max_line_length = 16 * 1024;
};

// "first", "last".
std::string_view to_string(CaptureOptions::Keep keep);
std::ostream& operator<<(std::ostream& out, CaptureOptions::Keep keep);

// One captured stream, as it was at one moment. A value: it does not change, and outlives the Child. The bytes are as
// they were written, NUL and invalid UTF-8 too. Copies share the bytes. Thread-compatible.
class Output {
 public:
  Output() = default;
  Output(const Output& other);
  Output(Output&& other) noexcept;
  Output& operator=(const Output& other);
  Output& operator=(Output&& other) noexcept;
  ~Output();

  // The bytes in pieces, in order, without a copy; none is empty. Valid as long as this or a copy of it.
  std::vector<std::string_view> chunks() const;
  // All of them in one piece, which is a copy.
  std::string text() const;
  // How many there are.
  std::uint64_t size() const { return size_; }

  // Whether the child has written more than what is here: exactly when total_bytes() > size().
  bool truncated() const { return total_bytes_ > size_; }
  // How many bytes came in all.
  std::uint64_t total_bytes() const { return total_bytes_; }
  // The last bytes of a stream whose end the limit has cut off (Keep::kFirst), 4 KiB at most; else empty. They are no
  // part of text() and size(), and what was lost may lie between.
  const std::string& tail() const { return tail_; }
  // Whether the end of the stream was seen, so that nothing more will come. While false, more may come, from the child
  // or from a process that has inherited the stream.
  bool complete() const { return complete_; }
  // Why reading stopped before the end of the stream; no error as a rule.
  std::error_code read_error() const { return read_error_; }

 private:
  friend struct internal::OutputAccess;

  Output(std::vector<internal::OutputChunk> chunks, internal::OutputFacts facts);

  void swap(Output& other) noexcept;

  std::vector<internal::OutputChunk>* chunks_ = nullptr;  // null where there are none
  std::uint64_t size_ = 0;
  std::uint64_t total_bytes_ = 0;
  bool complete_ = false;
  std::error_code read_error_;
  std::string tail_;
};

// A question about a child's output that could not be answered; the child and its output are as they were.
struct OutputError {
  std::error_code code;  // Errc::kNotCaptured, kWouldDeadlock, kEmptyHandle, kNotOwner; EINVAL for a bad argument
  std::string process_name;
  std::optional<OutputStream> stream = std::nullopt;               // if the call was about one
  std::optional<InvalidArgument> invalid_argument = std::nullopt;  // set when the call itself was refused

  std::string to_string() const;
};

std::error_code make_error_code(const OutputError& error);
[[noreturn]] void outcome_throw_as_system_error_with_payload(const OutputError& error);
std::ostream& operator<<(std::ostream& out, const OutputError& error);

}  // namespace warden

#endif  // WARDEN_OUTPUT_H_
