// `warden run`: one program, from its start to its end.
#ifndef WARDEN_LIB_TOOL_RUN_COMMAND_H_
#define WARDEN_LIB_TOOL_RUN_COMMAND_H_

#include "lib/tool/run_flags.h"

namespace warden::tool {

// Writes errors and the report; returns the exit code of the tool.
int run_command(const RunFlags& flags);

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_RUN_COMMAND_H_
