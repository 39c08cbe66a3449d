// The exit codes of the tool that are not the program's own: those of timeout(1) and env(1).
#ifndef WARDEN_LIB_TOOL_EXIT_CODES_H_
#define WARDEN_LIB_TOOL_EXIT_CODES_H_

namespace warden::tool {

inline constexpr int kTimedOut = 124;       // the timeout had to end the program
inline constexpr int kWardenFailed = 125;   // warden itself failed, or could not end the program
inline constexpr int kCannotExecute = 126;  // the program was found and cannot be executed
inline constexpr int kNotFound = 127;       // there is no such program
inline constexpr int kSignalBase = 128;     // + n: signal n ended the program, or the tool received it

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_EXIT_CODES_H_
