#include <cstdio>

#include "lib/tool/run_command.h"
#include "lib/tool/run_flags.h"

int main(int argc, char** argv) {
  const warden::tool::ParsedFlags parsed = warden::tool::parse_flags(argc, argv);
  if (parsed.run.has_value()) return warden::tool::run_command(*parsed.run);
  std::fputs(parsed.message.c_str(), parsed.exit_code == 0 ? stdout : stderr);
  return parsed.exit_code;
}
