// The code of docs/guide.md, compiled and run. every_code_block_test.cc checks that it is the same.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/outcome/try.hpp>
#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "warden/boost_process.h"
#include "warden/warden.h"

namespace {

warden::Child started(std::initializer_list<std::string_view> shell_arguments) {
  warden::Command command("sh");
  command.args(shell_arguments);
  return warden::Child::spawn(command).value();
}

TEST(Guide, Start) {
  warden::Command command("sort");
  command.arg("-n")
      .cwd("/tmp")
      .env("LC_ALL", "C")
      .unset_env("LANG")
      .stdin_from(warden::Stdio::file("/etc/passwd"))
      .stdout_to(warden::Stdio::null());
  warden::Result<warden::Child, warden::SpawnError> child = warden::Child::spawn(command);
  ASSERT_TRUE(child.has_value()) << child.error();
  EXPECT_TRUE(child.value().wait().value().success());
}

TEST(Guide, Run) {
  ::testing::internal::CaptureStdout();
  warden::RunOptions options;
  options.stdin_text = "b\na\n";
  options.timeout = absl::Seconds(30);
  warden::Result<warden::RunResult, warden::RunError> done =
      warden::require_success(warden::run(warden::Command("sort"), options));
  if (done) {
    std::cout << done.value().stdout_output.text();
  } else {
    std::cerr << done.error() << '\n';  // with the last lines of its stderr
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "a\nb\n");
}

TEST(Guide, Wait) {
  using namespace std::chrono_literals;
  warden::Child child = started({"-c", "read line; exit 3"});
  warden::Result<std::optional<warden::ExitStatus>, warden::WaitError> maybe = child.wait_for(10ms);
  if (maybe && !maybe.value().has_value()) std::cout << "still running\n";

  warden::Result<warden::ExitStatus, warden::WaitError> status = child.wait();
  if (status && status.value().exit_code() == 3) std::cout << "exited with 3\n";
  EXPECT_EQ(status.value(), warden::ExitStatus::exited(3));
}

TEST(Guide, End) {
  warden::Child child = started({"-c", "exec sleep 600"});
  warden::Result<warden::TerminationReport, warden::TerminationError> ended =
      child.terminate_with_report(warden::TerminationPolicy::service(absl::Seconds(5)));
  if (ended) {
    std::cout << ended.value().status << ", ended in phase " << ended.value().ended_by << '\n';
  } else {
    std::cerr << ended.error() << '\n';
  }
  EXPECT_EQ(ended.value().status, warden::ExitStatus::signaled(warden::Signal::terminate(), false));
}

TEST(Guide, EndMany) {
  std::vector<warden::Child> children;
  for (int i = 0; i < 3; ++i) children.push_back(started({"-c", "exec sleep 600"}));
  for (const auto& ended : warden::terminate_all(children, warden::TerminationPolicy::service(absl::Seconds(5)))) {
    if (!ended) std::cerr << ended.error() << '\n';
  }
  for (const warden::Child& child : children) EXPECT_EQ(child.state().kind, warden::ProcessState::Kind::kExited);
}

TEST(Guide, EndInTime) {
  warden::Child child = started({"-c", "exec sleep 600"});
  warden::Result<warden::WaitOrTerminateResult, warden::WaitOrTerminateError> done =
      child.wait_or_terminate(absl::Milliseconds(10), warden::TerminationPolicy::service(absl::Seconds(5)));
  if (done && done.value().timed_out()) std::cout << "terminated: " << done.value().status << '\n';
  EXPECT_EQ(done.value().status, warden::ExitStatus::signaled(warden::Signal::terminate(), false));
}

TEST(Guide, LetGoInOrder) {
  ::testing::internal::CaptureStderr();
  {
    warden::Child child = started({"-c", "exec sleep 600"});
    warden::Result<void, warden::TerminationError> set =
        child.terminate_on_destruction(warden::TerminationPolicy::service(absl::Seconds(5)));
    EXPECT_TRUE(set.has_value());
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST(GuideDeathTest, LetGoByMistakeAborts) {
  const auto abandon = [] {
    warden::abort_on_abandoned_child();
    const warden::Child abandoned = started({"-c", "exec sleep 600"});
  };
  EXPECT_DEATH(abandon(), "sh' \\(pid [0-9]+\\) destroyed before its end was seen");
}

TEST(Guide, LetGoByMistakeIsTold) {
  const auto tell = [](const warden::AbandonedChild& child, void*) {
    std::cerr << "lost sight of " << child.process_name << '\n';
  };
  warden::set_abandoned_child_handler(tell, nullptr);
  ::testing::internal::CaptureStderr();
  { const warden::Child abandoned = started({"-c", "exec sleep 600"}); }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "lost sight of sh\n");
  warden::set_abandoned_child_handler(nullptr, nullptr);
}

TEST(Guide, Read) {
  warden::CaptureOptions last;
  last.limit = 64 * 1024;
  last.keep = warden::CaptureOptions::Keep::kLast;
  warden::Command command("sh");
  command.args({"-c", "echo ready; echo working >&2; exit 3"})
      .stdout_to(warden::Stdio::capture())
      .stderr_to(warden::Stdio::capture(last));  // or Stdio::merge(), into stdout
  warden::Child child = warden::Child::spawn(command).value();

  warden::Result<warden::LineWait, warden::OutputError> ready =
      child.wait_for_line(warden::OutputStream::kStdout, "ready", absl::Seconds(30));
  if (ready && !ready.value().matched()) std::cerr << "not ready: " << ready.value().kind << '\n';

  warden::ExitStatus status = child.wait().value();
  warden::DrainResult drained = child.drain_output().value();
  if (!drained.complete()) std::cerr << drained << '\n';
  const warden::Output errors = child.output(warden::OutputStream::kStderr).value();
  if (!status.success()) std::cerr << (errors.truncated() ? "..." : "") << errors.text();
  EXPECT_TRUE(ready.value().matched());
  EXPECT_EQ(errors.text(), "working\n");
}

TEST(Guide, ReadLineByLine) {
  ::testing::internal::CaptureStdout();
  {
    warden::Command command("sh");
    command.args({"-c", "echo one; echo two"}).stdout_to(warden::Stdio::capture());
    warden::Child child = warden::Child::spawn(command).value();
    warden::Result<void, warden::OutputError> attached = child.on_line(
        warden::OutputStream::kStdout, [](const warden::Line& line) { std::cout << "child: " << line.text << '\n'; });
    EXPECT_TRUE(attached.has_value());
    EXPECT_TRUE(child.wait().value().success());
    EXPECT_TRUE(child.drain_output(absl::Seconds(60)).value().complete());
  }
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "child: one\nchild: two\n");
}

TEST(Guide, Prompt) {
  warden::Command command("sh");
  command.args({"-c", "printf 'login: '; read -r name; echo \"hello $name\""})
      .stdin_from(warden::Stdio::pipe())
      .stdout_to(warden::Stdio::capture());
  warden::Child child = warden::Child::spawn(command).value();
  warden::Result<warden::LineWait, warden::OutputError> prompt =
      child.wait_for_text(warden::OutputStream::kStdout, "login: ", absl::Seconds(30));
  if (prompt && prompt.value().matched()) {
    warden::Result<void, warden::StdinError> answered = child.write_stdin("bob\n", absl::Seconds(5));
    if (!answered) std::cerr << answered.error() << '\n';
  }
  EXPECT_TRUE(child.wait_for_line(warden::OutputStream::kStdout, "hello bob", absl::Seconds(60)).value().matched());
  EXPECT_TRUE(child.wait().value().success());
}

TEST(Guide, Feed) {
  warden::Command command("cat");
  command.stdin_from(warden::Stdio::pipe()).stdout_to(warden::Stdio::null());
  warden::Child child = warden::Child::spawn(command).value();
  warden::Result<void, warden::StdinError> written = child.write_stdin("hello\n", absl::Seconds(5));
  if (!written) std::cerr << written.error() << '\n';  // how much went, and why no more
  child.close_stdin();
  warden::Result<warden::ExitStatus, warden::WaitError> status = child.wait();
  EXPECT_TRUE(written.has_value());
  EXPECT_TRUE(status.value().success());
}

TEST(Guide, WaitUntilItIsReady) {
  const std::string socket_path = ::testing::TempDir() + "guide_ready_" + std::to_string(::getpid());
  warden::Child child = started({"-c", "touch \"$1\"; exec sleep 600", "sh", socket_path});
  warden::Result<warden::Readiness, warden::WaitError> readiness = child.wait_until_ready(
      [&] { return ::access(socket_path.c_str(), F_OK) == 0; }, /*interval=*/absl::Milliseconds(50),
      /*timeout=*/absl::Seconds(30));
  if (readiness && readiness.value().status) std::cerr << "it has ended: " << *readiness.value().status << '\n';
  EXPECT_TRUE(readiness.value().ready());
  EXPECT_TRUE(child.kill().has_value());
  ::unlink(socket_path.c_str());
}

int status_of_line(const std::string& line) {
  warden::Command command = warden::Command::shell(line);
  command.stdin_from(warden::Stdio::inherit()).stdout_to(warden::Stdio::inherit()).stderr_to(warden::Stdio::inherit());
  warden::Result<warden::RunResult, warden::RunError> done = warden::run(command);
  if (!done) return -1;
  return done.value().status.exit_code().value_or(-1);  // none where a signal has ended the shell
}

TEST(Guide, InPlaceOfSystem) {
  EXPECT_EQ(status_of_line("exit 3"), 3);
  EXPECT_EQ(status_of_line("exec 2> /dev/null; no-such-program"), 127);
}

TEST(Guide, InPlaceOfPopenForReading) {
  ::testing::internal::CaptureStdout();
  warden::Command command = warden::Command::shell("printf 'b\\na\\n' | sort");
  command.stderr_to(warden::Stdio::inherit());
  warden::Result<warden::RunResult, warden::RunError> done = warden::require_success(warden::run(command));
  if (!done) std::cerr << done.error() << '\n';
  std::istringstream output(done ? done.value().stdout_output.text() : "");
  for (std::string line; std::getline(output, line);) std::cout << "got " << line << '\n';
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "got a\ngot b\n");
}

TEST(Guide, InPlaceOfPopenForWriting) {
  const std::string path = ::testing::TempDir() + "guide_popen_" + std::to_string(::getpid());
  const std::vector<std::string> lines = {"b", "a", "b"};
  warden::Command command = warden::Command::shell("sort | uniq -c > \"$OUT\"");
  command.env("OUT", path).stdin_from(warden::Stdio::pipe());
  warden::Child child = warden::Child::spawn(command).value();
  for (const std::string& line : lines) {
    if (!child.write_stdin(line + '\n', absl::Seconds(30))) break;
  }
  warden::Result<warden::ExitStatus, warden::WaitError> status = child.wait();
  EXPECT_TRUE(status.value().success());
  std::ifstream file(path);
  std::string count, line;
  EXPECT_TRUE(file >> count >> line >> count >> line);
  EXPECT_EQ(count + line, "2b");
  ::unlink(path.c_str());
}

TEST(Guide, InPlaceOfFork) {
  warden::Command command("/usr/bin/env");
  command.arg("true").clear_env().env("PATH", "/usr/bin:/bin").cwd("/");
  command.stdin_from(warden::Stdio::null());
  warden::Result<warden::Child, warden::SpawnError> child = warden::Child::spawn(command);
  if (child) {
    warden::Result<std::optional<warden::ExitStatus>, warden::WaitError> ended =
        child.value().wait_for(absl::Seconds(30));
    if (ended && !ended.value()) child.value().kill().value();
  }
  EXPECT_TRUE(child.value().wait().value().success());
}

TEST(Containment, ATree) {
  const std::string directory = "/no/such/directory";
  warden::Command command("pg_ctl");
  command.args({"start", "--wait", "-D", directory}).containment(warden::Containment::kTree);
  warden::Result<warden::Child, warden::SpawnError> child = warden::Child::spawn(command);
  if (child) {  // where Postgres is installed
    EXPECT_EQ(child.value().containment(), warden::Containment::kTree);
    child.value().kill().value();
  }
}

TEST(Guide, OnATerminal) {
  const bool has_terminal = ::isatty(STDIN_FILENO) == 1 && ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
  warden::Command command("true");
  command.foreground(has_terminal);
  warden::Child child = warden::Child::spawn(command).value();
  warden::Result<warden::ExitStatus, warden::WaitError> status = child.wait();
  if (has_terminal) {  // a process in the background that does this is stopped unless it has blocked SIGTTOU
    sigset_t ttou, before;
    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &ttou, &before);
    ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  EXPECT_TRUE(status.value().success());
}

TEST(Guide, Adopt) {
  boost::asio::io_context context;
  boost::process::v2::process process(context, "/bin/sleep", {"600"});
  warden::Result<warden::Child, warden::SpawnError> child = warden::adopt(std::move(process));
  if (child) child.value().kill().value();
  EXPECT_EQ(child.value().wait().value(), warden::ExitStatus::signaled(warden::Signal::kill(), false));
}

TEST(Guide, LaunchInTheWordsOfBoostProcess) {
  boost::asio::io_context context;
  boost::asio::readable_pipe pipe(context);
  const std::vector<std::string> arguments = {"-c", "pwd"};
  boost::process::v2::process process =
      warden::launcher{}(context.get_executor(), "/bin/sh", arguments, boost::process::v2::process_start_dir("/"),
                         boost::process::v2::process_stdio{nullptr, pipe, {}});
  warden::Result<warden::Child, warden::SpawnError> child = warden::spawn(context, "/bin/sh", arguments);
  std::string text;
  boost::system::error_code error;
  boost::asio::read(pipe, boost::asio::dynamic_buffer(text), error);
  EXPECT_EQ(text, "/\n");
  EXPECT_EQ(process.wait(), 0);
  EXPECT_TRUE(child.value().wait().value().success());
}

warden::outcome::std_result<warden::ExitStatus> status_of(const warden::Command& command) {
  BOOST_OUTCOME_TRY(warden::Child child, warden::Child::spawn(command));
  BOOST_OUTCOME_TRY(warden::ExitStatus status, child.wait());
  return status;
}

TEST(Guide, Errors) {
  EXPECT_TRUE(status_of(warden::Command("true")).value().success());
  EXPECT_EQ(status_of(warden::Command("/no/such/program")).error(), std::errc::no_such_file_or_directory);
  EXPECT_THROW(status_of(warden::Command("/no/such/program")).value(), std::system_error);
}

TEST(Guide, Messages) {
  warden::set_log_sink(
      [](const warden::LogRecord& record, void*) {
        std::cerr << record.process_name << ": " << record.event << ' ' << record.error << '\n';
      },
      nullptr);
  ::testing::internal::CaptureStderr();
  { const warden::Child abandoned = started({"-c", "exec sleep 600"}); }
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("sh: destroyed before its end was seen"), std::string::npos);
  warden::set_log_sink(nullptr, nullptr);
}

}  // namespace
