// The modes of test_child that read or close stdin; test_child.cc describes them.
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "digest.h"
#include "test_child.h"

namespace {

struct Input {
  size_t count = 0;
  Digest digest;
};

// Reads up to that many bytes.
Input read_input(size_t most) {
  static char buffer[64 * 1024];
  Input input;
  while (input.count < most) {
    const ssize_t got = read(STDIN_FILENO, buffer, std::min(sizeof buffer, most - input.count));
    if (got <= 0) break;
    input.count += static_cast<size_t>(got);
    input.digest.add(buffer, static_cast<size_t>(got));
  }
  return input;
}

int run_rest(const Arguments& arguments, size_t from, const Arguments& otherwise) {
  if (from >= arguments.size()) return run_mode(otherwise);
  return run_mode(Arguments(arguments.begin() + static_cast<std::ptrdiff_t>(from), arguments.end()));
}

}  // namespace

int read_mode(const Arguments& arguments) {
  ack("ready");
  ack("eof " + std::to_string(read_input(SIZE_MAX).count));
  return run_rest(arguments, 0, {"exit", "0"});
}

int digest_mode(const Arguments& arguments) {
  ack("ready");
  const Input input = read_input(SIZE_MAX);
  ack("digest " + std::to_string(input.count) + " " + std::to_string(input.digest.value()));
  return run_rest(arguments, 0, {"exit", "0"});
}

int read_some_mode(const Arguments& arguments) {
  if (arguments.empty()) usage("a number is missing");
  ack("ready");
  ack("read " + std::to_string(read_input(strtoul(arguments[0].c_str(), nullptr, 10)).count));
  return run_rest(arguments, 1, {"sleep"});
}

int close_stdin_mode(const Arguments& arguments) {
  close(STDIN_FILENO);
  ack("closed");
  return run_rest(arguments, 0, {"sleep"});
}
