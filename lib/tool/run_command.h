// `warden run`: one program, from its start to its end.
#ifndef WARDEN_LIB_TOOL_RUN_COMMAND_H_
#define WARDEN_LIB_TOOL_RUN_COMMAND_H_

#include "lib/tool/run_flags.h"

namespace warden::tool {

// Returns the exit code of the tool. Errors and the report are written on the way.
int run_command(const RunFlags& flags);

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_RUN_COMMAND_H_
