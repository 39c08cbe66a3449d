// The terminal that the tool may have lent to its child.
#ifndef WARDEN_LIB_TOOL_TERMINAL_H_
#define WARDEN_LIB_TOOL_TERMINAL_H_

namespace warden::tool {

// True when the tool's session has a controlling terminal.
bool has_terminal();

// True when stdin is a terminal whose foreground group is the tool's: then the tool may lend it.
bool owns_terminal();

// Makes that group the foreground group of the terminal on stdin.
void lend_terminal(int group);

// Makes the tool's group the foreground group of the terminal on stdin again.
void take_terminal_back();

}  // namespace warden::tool

#endif  // WARDEN_LIB_TOOL_TERMINAL_H_
