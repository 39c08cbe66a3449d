#include <cstdio>
#include <exception>

#include "lib/tool/exit_codes.h"
#include "lib/tool/run_command.h"
#include "lib/tool/run_flags.h"

// No call of the tool fails with EINTR: it has no signal handlers (signal(7)).
int main(int argc, char** argv) {
  const warden::tool::ParsedFlags parsed = warden::tool::parse_flags(argc, argv);
  try {
    if (parsed.run.has_value()) return warden::tool::run_command(*parsed.run);
  } catch (const std::exception& error) {  // no memory or no thread; by now the program has been ended
    std::fprintf(stderr, "warden: %s\n", error.what());
    return warden::tool::kWardenFailed;
  }
  std::fputs(parsed.message.c_str(), parsed.exit_code == 0 ? stdout : stderr);
  return parsed.exit_code;
}
