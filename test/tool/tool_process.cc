#include "test/tool/tool_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

// Opens above the standard streams, so that moving descriptors there in the child overwrites none.
int raise(int fd) {
  const int high = ::fcntl(fd, F_DUPFD_CLOEXEC, 10);
  ::close(fd);
  return high;
}

// Returns the read end, and the write end in `write_end`.
int open_pipe(int* write_end) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) ADD_FAILURE() << "pipe2: errno " << errno;
  *write_end = raise(ends[1]);
  return raise(ends[0]);
}

int open_input(const std::string& text) {
  const int fd = raise(::memfd_create("stdin", MFD_CLOEXEC));
  EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(::lseek(fd, 0, SEEK_SET), 0);
  return fd;
}

std::vector<char*> pointers(Arguments* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::string tool_path() { return runfile_path("lib/tool/warden_cli"); }

ToolOptions run_program(const Arguments& flags, const Arguments& program) {
  ToolOptions options;
  options.arguments = {"run"};
  options.arguments.insert(options.arguments.end(), flags.begin(), flags.end());
  options.arguments.push_back("--");
  options.arguments.insert(options.arguments.end(), program.begin(), program.end());
  return options;
}

ToolOptions run_child(const Arguments& flags, const Arguments& mode) {
  Arguments program = {test_child_path(), "--ack=1"};
  program.insert(program.end(), mode.begin(), mode.end());
  return run_program(flags, program);
}

ToolExec::ToolExec(const ToolOptions& options) : path_(tool_path()), ignored_signals_(options.ignored_signals) {
  arguments_ = {"warden"};
  arguments_.insert(arguments_.end(), options.arguments.begin(), options.arguments.end());
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (options.environment.count(text.substr(0, text.find('='))) == 0) {
      environment_.push_back(text);
    }
  }
  for (const auto& [name, value] : options.environment) environment_.push_back(name + "=" + value);
  argv_ = pointers(&arguments_);
  envp_ = pointers(&environment_);
}

void ToolExec::exec() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int signal : ignored_signals_) ::signal(signal, SIG_IGN);
  ::execve(path_.c_str(), argv_.data(), envp_.data());
}

ToolProcess::ToolProcess(const ToolOptions& options) {
  ToolExec tool(options);
  const int input = open_input(options.input);
  int out = -1;
  int err = -1;
  out_ = std::make_unique<LineReader>(open_pipe(&out));
  err_ = std::make_unique<LineReader>(open_pipe(&err));
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(input, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    tool.exec();
    ::_exit(99);
  }
  EXPECT_GT(pid_, 0) << "fork: errno " << errno;
  for (const int fd : {input, out, err}) ::close(fd);
}

ToolProcess::~ToolProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void ToolProcess::send(int signal) { EXPECT_EQ(::kill(pid_, signal), 0) << "errno " << errno; }

ToolResult ToolProcess::wait() {
  ToolResult result;
  const bool ended = read_to_end({out_.get(), err_.get()}) && Pidfd(pid_).wait_dead();
  EXPECT_TRUE(ended) << "the tool or its child is still there";
  if (!ended) ::kill(pid_, SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  result.out = out_->text();
  result.err = err_->text();
  return result;
}

ToolResult run_tool(const ToolOptions& options) { return ToolProcess(options).wait(); }

}  // namespace warden::test_support
