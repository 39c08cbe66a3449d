// Makes an Output, which its users only get.
#ifndef WARDEN_LIB_OUTPUT_OUTPUT_ACCESS_H_
#define WARDEN_LIB_OUTPUT_OUTPUT_ACCESS_H_

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "lib/output/output_chunk.h"
#include "warden/output.h"

namespace warden::internal {

// What there is of a stream beside the bytes that are kept.
struct OutputFacts {
  std::uint64_t total_bytes = 0;
  bool complete = false;
  std::error_code read_error;
  std::string tail = {};
};

struct OutputAccess {
  static Output make(std::vector<OutputChunk> chunks, OutputFacts facts) {
    return {std::move(chunks), std::move(facts)};
  }
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_OUTPUT_ACCESS_H_
