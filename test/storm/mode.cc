#include "test/storm/mode.h"

#include <stdlib.h>

#include <utility>

#include "test/support/old_kernels.h"

namespace storm {

std::vector<Mode> all_modes() {
  std::vector<Mode> modes = {{"plain", false, false, false, {}},    {"thief", true, false, false, {}},
                             {"ignored", false, true, false, {}},   {"tree", false, false, true, {}},
                             {"tree+thief", true, false, true, {}}, {"tree+ignored", false, true, true, {}}};
  ::setenv("WARDEN_EVERY_SETTING", "1", 1);
  for (warden::test_support::OldKernel& kernel : warden::test_support::old_kernels()) {
    const bool is_plain = kernel.name == "Nothing";
    const bool is_about_spawn_alone = kernel.name.rfind("Event", 0) == 0 || kernel.name.rfind("WipeOnFork", 0) == 0;
    if (is_plain || is_about_spawn_alone) continue;
    for (const char* worst : {"PidfdGroupSignalUnknown", "AnyPidfdForbidden", "EverythingNewUnknown"}) {
      if (kernel.name == worst) modes.push_back({"thief+" + kernel.name, true, false, false, kernel.without});
    }
    if (kernel.name == "PidfdGroupSignalUnknown") {
      modes.push_back({"tree+" + kernel.name, false, false, true, kernel.without});
    }
    modes.push_back({kernel.name, false, false, false, std::move(kernel.without)});
  }
  return modes;
}

}  // namespace storm
