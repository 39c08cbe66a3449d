// Makes an Output, which its users only get.
#ifndef WARDEN_LIB_OUTPUT_OUTPUT_ACCESS_H_
#define WARDEN_LIB_OUTPUT_OUTPUT_ACCESS_H_

#include <utility>
#include <vector>

#include "lib/output/output_chunk.h"
#include "warden/output.h"

namespace warden::internal {

struct OutputAccess {
  using Facts = Output::Facts;
  static Output make(std::vector<OutputChunk> chunks, Facts facts) { return {std::move(chunks), std::move(facts)}; }
};

using OutputFacts = OutputAccess::Facts;

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_OUTPUT_ACCESS_H_
