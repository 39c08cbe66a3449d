// A pipe on which a test_child tells the test how far it is.
//
// Example:
//   AckPipe ack;
//   auto child = warden::Child::spawn(test_command(ack, {"handle", "TERM", "3"}));
//   ASSERT_EQ(ack.wait_line(), "ready");
#ifndef WARDEN_TEST_SUPPORT_ACK_PIPE_H_
#define WARDEN_TEST_SUPPORT_ACK_PIPE_H_

#include <map>
#include <string>

namespace warden::test_support {

// Both ends are close-on-exec and above 2. Not for use by two threads at once.
class AckPipe {
 public:
  AckPipe();
  ~AckPipe();
  AckPipe(const AckPipe&) = delete;
  AckPipe& operator=(const AckPipe&) = delete;

  int read_fd() const { return read_fd_; }
  int write_fd() const { return write_fd_; }
  // Returns "--ack=7", for the child that gets write_fd() under the same number.
  std::string flag() const;

  // Closes this process's write end, so that end of file means that no process holds the pipe. Call it after the spawn.
  void close_write();

  // Returns the next line, without its newline; empty at end of file. After 60 s without a line the test fails and it
  // returns "(timeout)".
  std::string wait_line();
  // Reads up to and with the line; false, with a failed test, when the pipe ends first or after 60
  // s.
  bool wait_for(const std::string& line);
  // Waits until every write end is closed; call close_write() first. False, with a failed test, after 60 s.
  bool wait_eof();
  // Reads the lines of a report, up to "end".
  std::map<std::string, std::string> read_report();

 private:
  // Appends the bytes that come; false at end of file or after 60 s, which sets timed_out_.
  bool fill();

  int read_fd_ = -1;
  int write_fd_ = -1;
  bool timed_out_ = false;
  std::string buffer_;
};

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_ACK_PIPE_H_
