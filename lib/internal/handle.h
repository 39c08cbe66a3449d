// What a Child owns: the shared state of its process, and the thread that waits for it.
#ifndef WARDEN_LIB_INTERNAL_HANDLE_H_
#define WARDEN_LIB_INTERNAL_HANDLE_H_

#include <memory>

#include "lib/internal/reaper.h"
#include "lib/internal/supervised.h"

namespace warden::internal {

struct Handle {
  std::shared_ptr<Supervised> child;
  Reaper reaper;
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_INTERNAL_HANDLE_H_
