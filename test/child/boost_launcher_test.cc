// warden::launcher and warden::spawn: Boost.Process's own protocol, launched as Child::spawn launches.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/connect_pipe.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/asio/write.hpp>
#include <boost/process/v2/bind_launcher.hpp>
#include <boost/process/v2/environment.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/start_dir.hpp>
#include <boost/process/v2/stdio.hpp>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/temporary_directory.h"
#include "warden/boost_process.h"

namespace warden::test_support {
namespace {

namespace v2 = boost::process::v2;
using Path = v2::filesystem::path;
using Argv = const char* const*;
using Error = boost::system::error_code;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// An initialiser that runs in the child changes nothing of what the others do.
struct NothingInChild {
  Error on_exec_setup(v2::posix::default_launcher&, const Path&, Argv) { return {}; }
};

// Launches a line of the shell with stdout in a pipe; the other initialisers come after it.
template <class InChild>
class BoostLauncher : public ::testing::Test {
 protected:
  template <class... Inits>
  v2::basic_process<boost::asio::io_context::executor_type> shell(const std::string& line, Inits&&... inits) {
    const std::vector<std::string> arguments = {"-c", line};
    return launcher{}(context_, "/bin/sh", arguments, std::forward<Inits>(inits)..., InChild());
  }

  // What the line writes to its stdout.
  template <class... Inits>
  std::string output_of(const std::string& line, Inits&&... inits) {
    boost::asio::readable_pipe pipe(context_);
    auto process = shell(line, v2::process_stdio{{}, pipe, {}}, std::forward<Inits>(inits)...);
    const std::string text = rest_of(pipe);
    EXPECT_EQ(process.wait(), 0) << line;
    return text;
  }

  // The write end of this process goes with the process_stdio.
  static std::string rest_of(boost::asio::readable_pipe& pipe) {
    std::string text;
    Error error;
    boost::asio::read(pipe, boost::asio::dynamic_buffer(text), error);
    EXPECT_EQ(error, boost::asio::error::eof);
    return text;
  }

  boost::asio::io_context context_;
};

// By a plan, and by a fork.
struct Nothing {};
using Ways = ::testing::Types<Nothing, NothingInChild>;
TYPED_TEST_SUITE(BoostLauncher, Ways, );  // clang: a variadic macro wants an argument

TYPED_TEST(BoostLauncher, GivesTheExitCode) {
  EXPECT_EQ(this->shell("exit 0").wait(), 0);
  EXPECT_EQ(this->shell("exit 1").wait(), 1);
  EXPECT_EQ(this->shell("exit 42").wait(), 42);
}

TYPED_TEST(BoostLauncher, LaunchesAChildThatBoostCanEnd) {
  auto process = this->shell("exec sleep 600");
  EXPECT_TRUE(process.running());
  process.terminate();
  process.wait();
  EXPECT_EQ(process.native_exit_code() & 0x7f, SIGKILL);
}

TYPED_TEST(BoostLauncher, LaunchesAChildThatBoostCanWaitForAsynchronously) {
  auto process = this->shell("exit 3");
  int code = -1;
  process.async_wait([&code](Error error, int result) {
    EXPECT_FALSE(error);
    code = result;
  });
  this->context_.run();
  EXPECT_EQ(code, 3);
}

TYPED_TEST(BoostLauncher, PassesTheArgumentsOn) {
  const std::vector<std::string> arguments = {"-c", "printf '%s|' \"$@\"", "sh", "first", "", "two words", "*"};
  boost::asio::readable_pipe pipe(this->context_);
  auto process = launcher{}(this->context_, "/bin/sh", arguments, v2::process_stdio{{}, pipe, {}}, TypeParam());
  EXPECT_EQ(this->rest_of(pipe), "first||two words|*|");
  EXPECT_EQ(process.wait(), 0);
}

TYPED_TEST(BoostLauncher, LeadsStdinFromAPipeAndAFile) {
  boost::asio::writable_pipe in(this->context_);
  boost::asio::readable_pipe out(this->context_);
  auto process = this->shell("cat; echo end", v2::process_stdio{in, out, {}});
  boost::asio::write(in, boost::asio::buffer("text\n", 5));
  in.close();
  EXPECT_EQ(this->rest_of(out), "text\nend\n");
  EXPECT_EQ(process.wait(), 0);
  const TemporaryDirectory directory;
  std::ofstream(directory.path("in")) << "of a file\n";
  boost::asio::readable_pipe of_file(this->context_);
  auto reader = this->shell("cat", v2::process_stdio{Path(directory.path("in")), of_file, {}});
  EXPECT_EQ(this->rest_of(of_file), "of a file\n");
  EXPECT_EQ(reader.wait(), 0);
}

// An I/O object of the caller's own, for each of the two streams.
TYPED_TEST(BoostLauncher, LeadsStdoutAndStderrToTheEndOfAConnectedPipe) {
  for (const bool is_stderr : {false, true}) {
    boost::asio::readable_pipe read_end(this->context_);
    boost::asio::writable_pipe write_end(this->context_);
    boost::asio::connect_pipe(read_end, write_end);
    auto process = is_stderr ? this->shell("echo text >&2", v2::process_stdio{{}, nullptr, write_end})
                             : this->shell("echo text", v2::process_stdio{{}, write_end, nullptr});
    write_end.close();
    EXPECT_EQ(this->rest_of(read_end), "text\n");
    EXPECT_EQ(process.wait(), 0);
  }
}

TYPED_TEST(BoostLauncher, LaunchesAChildThatBoostCanAskToExitAndInterrupt) {
  auto asked = this->shell("exec sleep 600");
  asked.request_exit();
  asked.wait();
  EXPECT_EQ(asked.native_exit_code() & 0x7f, SIGTERM);
  auto interrupted = this->shell("exec sleep 600");
  interrupted.interrupt();
  interrupted.wait();
  EXPECT_EQ(interrupted.native_exit_code() & 0x7f, SIGINT);
}

TYPED_TEST(BoostLauncher, LeadsStreamsToTheNullDeviceAFileAndADescriptor) {
  const TemporaryDirectory directory;
  AckPipe ack;
  auto process = this->shell("cat; echo out; echo err >&2",
                             v2::process_stdio{nullptr, Path(directory.path() + "/out"), ack.write_fd()});
  EXPECT_EQ(process.wait(), 0);
  EXPECT_EQ(ack.wait_line(), "err");
  EXPECT_EQ(this->output_of("cat " + directory.path() + "/out"), "out\n");
}

TYPED_TEST(BoostLauncher, StartsInTheDirectory) {
  const TemporaryDirectory directory;
  EXPECT_EQ(this->output_of("pwd -P", v2::process_start_dir(directory.path())), directory.path() + "\n");
  EXPECT_EQ(this->output_of("test \"$(pwd -P)\" = \"$0\"; echo $?"), "1\n");
}

TYPED_TEST(BoostLauncher, ReplacesTheEnvironmentWhereItIsAskedTo) {
  ASSERT_EQ(::setenv("WARDEN_BOOST_TEST", "inherited", 1), 0);
  const std::vector<std::string> environment = {"PATH=/bin:/usr/bin", "OTHER=given"};
  EXPECT_EQ(this->output_of("echo $WARDEN_BOOST_TEST-$OTHER"), "inherited-\n");
  EXPECT_EQ(this->output_of("echo $WARDEN_BOOST_TEST-$OTHER", v2::process_environment(environment)), "-given\n");
  EXPECT_EQ(this->output_of("echo $OTHER", v2::process_environment{"OTHER=in braces"}), "in braces\n");
  EXPECT_EQ(this->output_of("echo $WARDEN_BOOST_TEST", v2::process_environment(v2::environment::current())),
            "inherited\n");
  ASSERT_EQ(::unsetenv("WARDEN_BOOST_TEST"), 0);
}

// Lists the descriptors of the shell above 2, but for the one by which it has read the list.
constexpr char kListDescriptors[] =
    "cd /proc/$$/fd && for fd in *; do test $fd -gt 2 && test -e $fd && echo $fd; done; true";

// In a copy of this process: so the plain descriptors get the lowest numbers, some below the kept one and some above.
TYPED_TEST(BoostLauncher, GivesTheChildNoDescriptorBeyondThoseOfTheWhitelist) {
  run_isolated_unchecked([] {
    std::vector<int> plain;
    for (int i = 0; i < 5; ++i) plain.push_back(::open("/dev/null", O_RDONLY));
    const int kept = plain[2];
    struct Keep {
      int fd;
      Error on_setup(v2::posix::default_launcher& launcher, const Path&, Argv) {
        launcher.fd_whitelist.push_back(fd);
        return {};
      }
    };
    boost::asio::io_context context;
    const auto listed = [&context](launcher with, auto keep) {
      boost::asio::readable_pipe pipe(context);
      const std::vector<std::string> arguments = {"-c", kListDescriptors};
      auto process = with(context, "/bin/sh", arguments, v2::process_stdio{{}, pipe, {}}, keep, TypeParam());
      std::string text;
      Error error;
      boost::asio::read(pipe, boost::asio::dynamic_buffer(text), error);
      EXPECT_EQ(process.wait(), 0);
      return text;
    };
    EXPECT_EQ(listed(launcher(), TypeParam()), "");
    EXPECT_EQ(listed(launcher(), Keep{kept}), std::to_string(kept) + '\n');
    launcher with_list;
    with_list.fd_whitelist.push_back(kept);
    EXPECT_EQ(listed(with_list, TypeParam()), std::to_string(kept) + '\n');
  });
}

TYPED_TEST(BoostLauncher, PutsBackWhatALaunchHasChanged) {
  launcher changed;
  changed.fd_whitelist.push_back(77);
  const auto* const env = changed.env;
  const std::vector<int> whitelist = changed.fd_whitelist;
  struct Refuse {
    Error on_setup(v2::posix::default_launcher& launcher, const Path&, Argv) {
      launcher.fd_whitelist.push_back(78);
      launcher.env = nullptr;
      throw std::runtime_error("refused");
    }
  };
  const std::vector<std::string> arguments = {"-c", "exit 0"};
  const std::vector<std::string> environment = {"A=B"};
  EXPECT_EQ(changed(this->context_, "/bin/sh", arguments, v2::process_environment(environment), TypeParam()).wait(), 0);
  EXPECT_EQ(changed.env, env);
  EXPECT_THROW(changed(this->context_, "/bin/sh", arguments, Refuse()), std::runtime_error);
  EXPECT_EQ(changed.env, env);
  EXPECT_EQ(changed.fd_whitelist, whitelist);
}

TYPED_TEST(BoostLauncher, EndsTheChildWhereAHookThrowsOnceItRuns) {
  struct Throw {
    int* pid;
    void on_success(v2::posix::default_launcher& launcher, const Path&, Argv&) {
      *pid = launcher.pid;
      throw std::runtime_error("a hook");
    }
  };
  int pid = 0;
  const std::vector<std::string> arguments = {"-c", "exec sleep 600"};
  check_leaves_nothing([&] {
    boost::asio::io_context context;
    EXPECT_THROW(launcher{}(context, "/bin/sh", arguments, Throw{&pid}, TypeParam()), std::runtime_error);
    const CapturedLog log;  // the library's message about a child whose end nobody saw
    EXPECT_THROW(static_cast<void>(warden::spawn(context, "/bin/sh", arguments, Throw{&pid}, TypeParam())),
                 std::runtime_error);
  });
  EXPECT_GT(pid, 1);
}

// Writes down the hooks that are called, and in which process.
struct Recorder {
  std::vector<std::string>* calls;
  Error setup = {};

  Error on_setup(v2::posix::default_launcher&, const Path& executable, Argv&) {
    note("setup " + executable.string());
    return setup;
  }
  void on_success(v2::posix::default_launcher& launcher, const Path&, Argv&) {
    note(launcher.pid > 1 ? "success" : "success without a process");
  }
  void on_fork_success(v2::posix::default_launcher&, const Path&, Argv&) { note("fork_success"); }
  void on_error(v2::posix::default_launcher&, const Path&, Argv&, const Error& error) {
    note("error " + std::to_string(error.value()));
  }
  void on_fork_error(v2::posix::default_launcher&, const Path&, Argv&, const Error& error) {
    note("fork_error " + std::to_string(error.value()));
  }
  void note(const std::string& call) const { calls->push_back(call); }
};

TYPED_TEST(BoostLauncher, CallsTheHooksOfEveryInitialiserInTheParent) {
  std::vector<std::string> calls;
  EXPECT_EQ(this->shell("exit 0", Recorder{&calls}, Recorder{&calls}).wait(), 0);
  EXPECT_THAT(calls,
              ElementsAre("setup /bin/sh", "setup /bin/sh", "fork_success", "fork_success", "success", "success"));
}

TYPED_TEST(BoostLauncher, StartsNothingWhereAnInitialiserRefuses) {
  std::vector<std::string> calls;
  const Error refusal(EPROTO, boost::system::system_category());
  const std::vector<std::string> arguments = {"-c", "exit 0"};
  check_leaves_nothing([&] {
    boost::asio::io_context context;
    EXPECT_THROW(launcher{}(context, "/bin/sh", arguments, Recorder{&calls, refusal}, Recorder{&calls}, TypeParam()),
                 boost::system::system_error);
  });
  const std::string error = "error " + std::to_string(EPROTO);
  EXPECT_THAT(calls, ElementsAre("setup /bin/sh", error, error));
}

TYPED_TEST(BoostLauncher, LeavesNothingOfAProgramThatDoesNotExist) {
  std::vector<std::string> calls;
  const std::vector<std::string> arguments = {"argument"};
  check_leaves_nothing([&] {
    boost::asio::io_context context;
    Error error;
    auto process = launcher{}(context, error, "/no/such/program", arguments, Recorder{&calls}, TypeParam());
    EXPECT_EQ(error, boost::system::errc::no_such_file_or_directory);
    EXPECT_FALSE(process.is_open());
    EXPECT_THROW(launcher{}(context, "/no/such/program", arguments, TypeParam()), boost::system::system_error);
  });
  EXPECT_THAT(calls, ElementsAre("setup /no/such/program", "error " + std::to_string(ENOENT)));
}

TYPED_TEST(BoostLauncher, NamesAStreamThatIsNotOpen) {
  Error error;
  const std::vector<std::string> arguments = {"-c", "exit 0"};
  auto process = launcher{}(this->context_, error, "/bin/sh", arguments, v2::process_stdio{{}, Path("/no/file"), {}});
  EXPECT_EQ(error, boost::system::errc::bad_file_descriptor);
  EXPECT_FALSE(process.is_open());
}

TYPED_TEST(BoostLauncher, LeavesTheChildInTheParentsGroup) {
  EXPECT_EQ(this->output_of("cut -d ' ' -f 5 /proc/$$/stat"), std::to_string(::getpgrp()) + '\n');
}

TYPED_TEST(BoostLauncher, CanLaunchAgain) {
  launcher again;
  const std::vector<std::string> arguments = {"-c", "exit $#", "sh", "one"};
  EXPECT_EQ(again(this->context_, "/bin/sh", arguments).wait(), 1);
  EXPECT_EQ(again(this->context_, "/bin/sh", arguments).wait(), 1);
}

TEST(BoostLauncherWords, TakeBracesAnExecutorAndABoundLauncher) {
  boost::asio::io_context context;
  EXPECT_EQ(launcher{}(context, "/bin/sh", {"-c", "exit 3"}).wait(), 3);
  EXPECT_EQ(launcher{}(context.get_executor(), "/bin/sh", {"-c", "exit 4"}).wait(), 4);
  v2::process process = launcher{}(boost::asio::any_io_executor(context.get_executor()), "/bin/sh", {"-c", "exit 5"});
  EXPECT_EQ(process.wait(), 5);
  auto bound = v2::bind_launcher(launcher(), v2::process_start_dir("/"));
  const std::vector<std::string> arguments = {"-c", "test \"$(pwd)\" = /"};
  EXPECT_EQ(bound(context, "/bin/sh", arguments).wait(), 0);
}

TEST(BoostLauncherWords, LetAnInitialiserReplaceTheArguments) {
  struct Rename {
    std::vector<const char*> argv = {"renamed", "-c", "test \"$0\" = renamed", nullptr};
    Error on_setup(v2::posix::default_launcher&, const Path&, Argv& arguments) {
      arguments = argv.data();
      return {};
    }
  };
  boost::asio::io_context context;
  EXPECT_EQ(launcher{}(context, "/bin/sh", std::vector<std::string>(), Rename()).wait(), 0);
}

// The child has a copy of this process's memory: what it does to it is not seen here.
TEST(BoostInitialiserInTheChild, RunsInTheChildAndHasItsErrorReported) {
  struct InChild {
    int parent = ::getpid();
    Error result = {};
    Error on_exec_setup(v2::posix::default_launcher&, const Path&, Argv&) {
      parent = ::getpid() == parent ? -1 : parent;
      if (parent == -1) return Error(EDOM, boost::system::system_category());
      return result;
    }
  };
  check_leaves_nothing([] {
    boost::asio::io_context context;
    InChild refuses;
    refuses.result = Error(EPROTO, boost::system::system_category());
    Error error;
    launcher{}(context, error, "/bin/sh", {"-c", "exit 0"}, refuses);
    EXPECT_EQ(error, Error(EPROTO, boost::system::system_category()));
    EXPECT_EQ(launcher{}(context, "/bin/sh", {"-c", "exit 7"}, InChild()).wait(), 7);
  });
}

// An initialiser whose hook does something in the child.
struct InTheChild {
  std::function<Error()> act;
  Error on_exec_setup(v2::posix::default_launcher&, const Path&, Argv&) { return act(); }
};

TEST(BoostInitialiserInTheChild, ThatThrowsIsAnErrorAndReturnsNowhereInTheChild) {
  const int here = ::getpid();
  check_leaves_nothing([here] {
    boost::asio::io_context context;
    Error error;
    launcher{}(context, error, "/bin/sh", {"-c", "exit 0"},
               InTheChild{[]() -> Error { throw std::runtime_error(""); }});
    if (::getpid() != here && ::getppid() == here) ::_exit(0);  // check_leaves_nothing has made one copy
    EXPECT_EQ(error, Error(ECANCELED, boost::system::system_category()));
  });
}

TEST(BoostInitialiserInTheChild, ThatKillsItIsNoLaunch) {
  check_leaves_nothing([] {
    boost::asio::io_context context;
    InTheChild dies{[]() -> Error {
      ::raise(SIGKILL);
      return {};
    }};
    const SpawnError error = warden::spawn(context, "/bin/sh", {"-c", "exit 0"}, dies).error();
    EXPECT_EQ(error.code, Errc::kNotExecuted) << error;
    EXPECT_EQ(error.step, SpawnError::Step::kInitialise) << error;
  });
}

TEST(BoostInitialiserInTheChild, HasTheErrnoOfItsErrorReported) {
  boost::asio::io_context context;
  Error error;
  launcher{}(context, error, "/bin/sh", {"-c", "exit 0"}, InTheChild{[] { return Error(boost::asio::error::eof); }});
  EXPECT_EQ(error, Error(ECANCELED, boost::system::system_category())) << "a code of another category";
}

TEST(BoostInitialiserInTheChild, MayMakeItLeadASession) {
  boost::asio::io_context context;
  InTheChild leads{[]() -> Error { return ::setsid() < 0 ? Error(errno, boost::system::system_category()) : Error(); }};
  Child child = warden::spawn(context, "/bin/sh", {"-c", "exec sleep 600"}, leads).value();
  EXPECT_EQ(::getsid(child.pid()), child.pid());
  EXPECT_TRUE(child.kill().has_value());
}

// The pipe for the report would get one of those numbers.
TEST(BoostInitialiserInTheChild, HasItsFailureReportedByAHostWithClosedStreams) {
  run_isolated_unchecked([] {
    boost::asio::io_context context;
    AckPipe ack;
    ::close(0);
    ::close(1);
    v2::process_stdio stdio{ack.read_fd(), ack.write_fd(), {}};
    Error error;
    launcher{}(context, error, "/no/such/program", std::vector<std::string>(), stdio, NothingInChild());
    EXPECT_EQ(error, boost::system::errc::no_such_file_or_directory);
  });
}

AckPipe* at_exit_pipe = nullptr;

// In a copy of this process, since an atexit function cannot be taken back.
TEST(BoostInitialiserInTheChild, RunsNoAtexitFunctionWhereTheExecFails) {
  run_isolated_unchecked([] {
    AckPipe ack;
    at_exit_pipe = &ack;
    struct Tell {
      Error on_setup(v2::posix::default_launcher& launcher, const Path&, Argv&) {
        launcher.fd_whitelist.push_back(at_exit_pipe->write_fd());
        return {};
      }
      void on_exec_error(v2::posix::default_launcher&, const Path&, Argv&, const Error& error) {
        const std::string line = "exec error " + std::to_string(error.value()) + "\n";
        EXPECT_EQ(::write(at_exit_pipe->write_fd(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
      }
    };
    ASSERT_EQ(::atexit([] { EXPECT_EQ(::write(at_exit_pipe->write_fd(), "atexit\n", 7), 7); }), 0);
    boost::asio::io_context context;
    Error error;
    launcher{}(context, error, "/no/such/program", std::vector<std::string>(), Tell());
    EXPECT_EQ(error, boost::system::errc::no_such_file_or_directory);
    launcher{}(context, error, "/no/such/program", std::vector<std::string>());
    ack.close_write();
    EXPECT_EQ(ack.wait_line(), "exec error " + std::to_string(ENOENT));
    EXPECT_EQ(ack.wait_line(), "") << "no child has run the parent's functions";
  });
}

template <class Init>
void expect_supervised(Init init) {
  boost::asio::io_context context;
  AckPipe ack;
  const std::vector<std::string> arguments = {"-c", "sleep 600 & echo started >&2; wait"};
  v2::process_stdio stdio{nullptr, {}, ack.write_fd()};
  Child child = warden::spawn(context, "/bin/sh", arguments, stdio, init).value();
  EXPECT_EQ(child.name(), "/bin/sh");
  EXPECT_EQ(::getpgid(child.pid()), child.pid()) << "a group of its own";
  ASSERT_EQ(ack.wait_line(), "started");
  EXPECT_EQ(live_members(child.pid()).size(), 2u);
  EXPECT_EQ(child.kill().value().signal(), Signal::kill());
  EXPECT_THAT(live_members(child.pid()), IsEmpty());
}

TEST(BoostSpawn, ReturnsAChildThatLeadsItsGroup) { expect_supervised(Nothing()); }

TEST(BoostSpawn, ReturnsAChildOfAnInitialiserInTheChild) { expect_supervised(NothingInChild()); }

TEST(BoostSpawn, NamesAnInitialiserThatRefuses) {
  boost::asio::io_context context;
  std::vector<std::string> calls;
  const Error refusal(EPROTO, boost::system::system_category());
  const SpawnError error = warden::spawn(context, "/bin/sh", {"-c", "exit 0"}, Recorder{&calls, refusal}).error();
  EXPECT_EQ(error.step, SpawnError::Step::kInitialise);
  EXPECT_EQ(error.code, std::error_code(EPROTO, std::generic_category()));
  EXPECT_THAT(error.to_string(), HasSubstr("cannot run an initialiser"));
}

template <class Context>
constexpr bool kCanLaunch = std::is_invocable_v<launcher, Context, const char*, std::vector<std::string>>;
static_assert(kCanLaunch<boost::asio::io_context&> && kCanLaunch<boost::asio::any_io_executor>);
static_assert(!kCanLaunch<int> && !kCanLaunch<const char*>);

TEST(BoostSpawn, SaysWhatFailedAndLeavesNothing) {
  check_leaves_nothing([] {
    boost::asio::io_context context;
    const SpawnError missing = warden::spawn(context, "/no/such/program", std::vector<std::string>()).error();
    EXPECT_EQ(missing.step, SpawnError::Step::kExec);
    EXPECT_EQ(missing.code, std::errc::no_such_file_or_directory);
    EXPECT_THAT(missing.to_string(), HasSubstr("/no/such/program"));
    const SpawnError forked =
        warden::spawn(context, "/no/such/program", std::vector<std::string>(), NothingInChild()).error();
    EXPECT_EQ(forked.code, std::errc::no_such_file_or_directory);
    EXPECT_EQ(forked.step, SpawnError::Step::kExec);
  });
}

}  // namespace
}  // namespace warden::test_support
