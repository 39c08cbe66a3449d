// The parts of test_child; see test_child.cc.
#ifndef WARDEN_TEST_SUPPORT_TEST_CHILD_H_
#define WARDEN_TEST_SUPPORT_TEST_CHILD_H_

#include <string>
#include <vector>

using Arguments = std::vector<std::string>;

// Writes one line to the descriptor of --ack, in one write; does nothing without --ack. A forked child's lines start
// with "child ".
void ack(const std::string& line);
// The same, fit for a signal handler: "got SIGTERM".
void ack_signal(int signal);
// Marks this process as the forked child from here on.
void ack_as_forked_child();
// Returns the report's descriptor: that of --ack, or stdout.
int report_descriptor();

[[noreturn]] void usage(const std::string& what);

// Runs the mode that the arguments name to its end; returns the exit code.
int run_mode(const Arguments& arguments);

int read_mode(const Arguments& arguments);
int read_some_mode(const Arguments& arguments);
int digest_mode(const Arguments& arguments);
int close_stdin_mode(const Arguments& arguments);
int report_mode(const Arguments& arguments);
int new_pids_mode(const Arguments& arguments);

#endif  // WARDEN_TEST_SUPPORT_TEST_CHILD_H_
