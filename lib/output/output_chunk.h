// A piece of what was captured.
#ifndef WARDEN_LIB_OUTPUT_OUTPUT_CHUNK_H_
#define WARDEN_LIB_OUTPUT_OUTPUT_CHUNK_H_

#include <cstddef>
#include <memory>

namespace warden::internal {

struct OutputChunk {
  std::shared_ptr<const char> data;
  std::size_t size = 0;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_OUTPUT_OUTPUT_CHUNK_H_
