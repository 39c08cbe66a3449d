// Code that speaks Boost.Process v2: takes its processes under supervision, and launches in its words.
//
// Example:
//   boost::process::v2::process process(context, "/usr/bin/server", {});
//   warden::Result<warden::Child, warden::SpawnError> child = warden::adopt(std::move(process));
//
// In place of Boost's own launcher, whose cost grows with the program's memory:
//   boost::process::v2::process process = warden::launcher{}(executor, "/usr/bin/server", arguments, stdio);
//   warden::Result<warden::Child, warden::SpawnError> child = warden::spawn(executor, "/usr/bin/server", arguments,
//   stdio);
#ifndef WARDEN_BOOST_PROCESS_H_
#define WARDEN_BOOST_PROCESS_H_

#include <fcntl.h>
#include <unistd.h>

#include <boost/process/v2/environment.hpp>
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/start_dir.hpp>
#include <boost/process/v2/stdio.hpp>
#include <boost/throw_exception.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "warden/child.h"

namespace warden {

// Takes over a process that any launcher started, with any executor. Detaches `process` on success: its destructor then
// ends nothing, and the caller must not call its wait any more. On failure `process` is unchanged.
// Errors: as Child::adopt; also Errc::kNotAChild when `process` has been waited for.
// REQUIRES: no asynchronous wait is pending.
template <class Executor>
Result<Child, SpawnError> adopt(boost::process::v2::basic_process<Executor>&& process,
                                const AdoptOptions& options = {}) {
  Result<Child, SpawnError> child = Child::adopt(static_cast<int>(process.id()), options);
  if (child.has_value()) process.detach();
  return child;
}

namespace internal {

namespace v2 = boost::process::v2;

// What is executed, as it stands.
struct BoostImage {
  std::string executable;
  const char* const* argv = nullptr;
  const char* const* envp = nullptr;
  const char* cwd = nullptr;  // null: the parent's
  int stdio[3] = {0, 1, 2};   // the parent's descriptors
  std::vector<int> kept;      // descriptors that the child gets under their own numbers
};

// The process id of a child in the parent's group, which nobody waits for yet.
Result<int, SpawnError> launch_image(const BoostImage& image);
// A child in a group of its own.
Result<Child, SpawnError> spawn_image(const BoostImage& image);
// Waits for what a forked child writes to `report` before its end: an errno. Returns 0 where it has executed its
// program instead. Closes `report`, and collects a child that has failed.
int exec_error_of(int pid, int report);
// Adopts a child that leads a group; kills and collects it where that fails.
Result<Child, SpawnError> adopt_or_kill(int pid, const std::string& name);

// The hooks of an initialiser, each callable where the initialiser has it.
inline constexpr auto kOnSetup = [](auto& init, auto&... args) -> decltype(init.on_setup(args...)) {
  return init.on_setup(args...);
};
inline constexpr auto kOnSuccess = [](auto& init, auto&... args) -> decltype(init.on_success(args...)) {
  return init.on_success(args...);
};
inline constexpr auto kOnError = [](auto& init, auto&... args) -> decltype(init.on_error(args...)) {
  return init.on_error(args...);
};
inline constexpr auto kOnForkSuccess = [](auto& init, auto&... args) -> decltype(init.on_fork_success(args...)) {
  return init.on_fork_success(args...);
};
inline constexpr auto kOnForkError = [](auto& init, auto&... args) -> decltype(init.on_fork_error(args...)) {
  return init.on_fork_error(args...);
};
inline constexpr auto kOnExecSetup = [](auto& init, auto&... args) -> decltype(init.on_exec_setup(args...)) {
  return init.on_exec_setup(args...);
};
inline constexpr auto kOnExecError = [](auto& init, auto&... args) -> decltype(init.on_exec_error(args...)) {
  return init.on_exec_error(args...);
};

template <class Hook, class Init, class... Args>
void call_hook(Hook hook, Init& init, Args&... args) {
  if constexpr (std::is_invocable_v<Hook, Init&, Args&...>) hook(init, args...);
}

// One that the plan does without a hook in the child.
template <class Init>
constexpr bool kIsPlanned = std::is_same_v<Init, v2::process_stdio> || std::is_same_v<Init, v2::process_environment> ||
                            std::is_same_v<Init, v2::process_start_dir>;

inline boost::system::error_code boost_error(const SpawnError& error) {
  if (error.code.category() != std::generic_category()) return error.code;
  return {error.code.value(), boost::system::system_category()};
}

// Runs the protocol.
struct BoostLauncher : v2::posix::default_launcher {
  using Path = v2::filesystem::path;
  using Argv = const char* const*;
  using Error = boost::system::error_code;

  template <class Context>
  static auto executor_of(Context& context) {
    if constexpr (std::is_convertible_v<Context&, boost::asio::execution_context&>) {
      return context.get_executor();
    } else {
      return std::decay_t<Context>(context);
    }
  }

  template <class Init>
  static constexpr bool runs_in_child() {
    return !kIsPlanned<std::decay_t<Init>> &&
           (std::is_invocable_v<decltype(kOnExecSetup), Init&, BoostLauncher&, const Path&, Argv&> ||
            std::is_invocable_v<decltype(kOnExecError), Init&, BoostLauncher&, const Path&, Argv&, const Error&>);
  }

  static SpawnError failed_at(SpawnError::Step step, const Error& code, const Path& executable) {
    const bool is_errno = code.category() == boost::system::system_category();
    const std::error_code why =
        is_errno ? std::error_code(code.value(), std::generic_category()) : static_cast<std::error_code>(code);
    return {why, step, executable.native(), executable.native()};
  }

  template <class Init>
  void set_up(Init& init, const Path& executable, Argv& argv, Error& error) {
    if constexpr (kIsPlanned<std::decay_t<Init>>) {
    } else if constexpr (std::is_invocable_v<decltype(kOnSetup), Init&, BoostLauncher&, const Path&, Argv&>) {
      if (!error) error = kOnSetup(init, *this, executable, argv);
    }
  }

  template <class Init>
  void plan(BoostImage& image, Init& init, Error& error) {
    using Type = std::decay_t<Init>;
    if constexpr (std::is_same_v<Type, v2::process_stdio>) {
      image.stdio[0] = init.in.fd;
      image.stdio[1] = init.out.fd;
      image.stdio[2] = init.err.fd;
      for (const Error& failed : {init.in.ec, init.out.ec, init.err.ec}) {
        if (!error) error = failed;
      }
    } else if constexpr (std::is_same_v<Type, v2::process_start_dir>) {
      image.cwd = init.start_dir.c_str();
    } else if constexpr (std::is_same_v<Type, v2::process_environment>) {
      env = init.env.data();
    }
  }

  // Returns the process id, as `launch` does for what the initialisers have planned.
  template <class Launch, class Executor, class Args, class... Inits>
  Result<int, SpawnError> start(Launch launch, Executor& executor, bool leads_group, const Path& executable, Args& args,
                                Inits&... inits) {
    argv_.clear();
    argv_buffer_.clear();
    fd_whitelist = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    Argv argv = build_argv_(executable, args);
    BoostImage image;
    Error error;
    const auto* const own_env = env;
    (set_up(inits, executable, argv, error), ...);
    (plan(image, inits, error), ...);
    Result<int, SpawnError> launched = failed_at(SpawnError::Step::kValidate, error, executable);
    if (!error) {
      if constexpr ((runs_in_child<Inits>() || ...)) {
        launched = fork_child(executor, leads_group, executable, argv, inits...);
      } else {
        image.executable = executable.native();
        image.argv = argv;
        image.envp = env;
        image.kept = fd_whitelist;
        launched = launch(image);
      }
    }
    env = own_env;
    if (launched || launched.error().step > SpawnError::Step::kLaunch) {
      (call_hook(kOnForkSuccess, inits, *this, executable, argv), ...);
    }
    if (launched) {
      pid = launched.value();
      (call_hook(kOnSuccess, inits, *this, executable, argv), ...);
      return launched;
    }
    [[maybe_unused]] const Error why = boost_error(launched.error());
    if (launched.error().step == SpawnError::Step::kLaunch) {
      (call_hook(kOnForkError, inits, *this, executable, argv, why), ...);
    }
    (call_hook(kOnError, inits, *this, executable, argv, why), ...);
    return launched;
  }

  template <class Executor, class... Inits>
  Result<int, SpawnError> fork_child(Executor& executor, bool leads_group, const Path& executable, Argv& argv,
                                     Inits&... inits) {
    using boost::asio::execution_context;
    int report[2];
    if (::pipe2(report, O_CLOEXEC) != 0) {
      return failed_at(SpawnError::Step::kCreatePipe, v2::detail::get_last_error(), executable);
    }
    fd_whitelist.push_back(report[1]);
    auto& context = boost::asio::query(executor, boost::asio::execution::context);
    context.notify_fork(execution_context::fork_prepare);
    pid = ::fork();
    if (pid == 0) {
      if (leads_group) ::setpgid(0, 0);
      context.notify_fork(execution_context::fork_child);
      Error error;
      (set_up_child(inits, executable, argv, error), ...);
      if (!error) close_all_fds(error);
      if (!error) {
        ::execve(executable.c_str(), const_cast<char* const*>(argv), const_cast<char* const*>(env));
        error = v2::detail::get_last_error();
      }
      const int number = error.value();
      if (::write(report[1], &number, sizeof number) < 0) ::_exit(127);
      (call_hook(kOnExecError, inits, *this, executable, argv, error), ...);
      ::_exit(127);
    }
    const Error fork_error = v2::detail::get_last_error();
    context.notify_fork(execution_context::fork_parent);
    ::close(report[1]);
    if (pid < 0) {
      ::close(report[0]);
      return failed_at(SpawnError::Step::kLaunch, fork_error, executable);
    }
    const int number = exec_error_of(pid, report[0]);
    if (number == 0) return pid;
    return failed_at(SpawnError::Step::kExec, Error(number, boost::system::system_category()), executable);
  }

  template <class Init>
  void set_up_child(Init& init, const Path& executable, Argv& argv, Error& error) {
    if constexpr (std::is_invocable_v<decltype(kOnExecSetup), Init&, BoostLauncher&, const Path&, Argv&>) {
      if (!error) error = kOnExecSetup(init, *this, executable, argv);
    }
  }
};

}  // namespace internal

// A launcher of Boost.Process's own protocol. The child shares the parent's memory until its exec, as with
// Child::spawn, so its cost does not depend on the size of the parent (Boost's launchers copy the page tables of all of
// it). The executable is a path, as Boost takes it, and is not looked up.
//
// Does what process_stdio, process_environment and process_start_dir ask for, and keeps the descriptors that an
// initialiser has added to fd_whitelist and no other. Calls on_setup, on_error, on_fork_error, on_fork_success and
// on_success of every initialiser, in this process, with the arguments that the protocol names. An initialiser that has
// an on_exec_setup or on_exec_error of its own wants to run in the child: then the launcher forks, as Boost's does,
// with the cost and the dangers of that (only the forking thread is there, and whatever another one holds stays
// locked).
//
// Returns when the program runs. Boost waits for the process: no thread of this library does, and the child stays in
// the parent's group.
// Errors: the errno of the step that failed, or an Errc; nothing is left of the child: no zombie, no descriptor. No
// destructor and no atexit function of this program runs in the child.
struct launcher : internal::BoostLauncher {
  template <class Executor, class Args = std::initializer_list<internal::v2::string_view>, class... Inits>
  auto operator()(Executor&& executor_or_context, const internal::v2::filesystem::path& executable, Args&& args,
                  Inits&&... inits) {
    boost::system::error_code error;
    auto process = (*this)(executor_or_context, error, executable, args, inits...);
    if (error) boost::throw_exception(boost::system::system_error(error, "warden::launcher"));
    return process;
  }

  template <class Executor, class Args = std::initializer_list<internal::v2::string_view>, class... Inits>
  auto operator()(Executor&& executor_or_context, boost::system::error_code& error,
                  const internal::v2::filesystem::path& executable, Args&& args, Inits&&... inits) {
    auto executor = executor_of(executor_or_context);
    using Process = internal::v2::basic_process<decltype(executor)>;
    const auto launched = start(internal::launch_image, executor, /*leads_group=*/false, executable, args, inits...);
    error = launched ? boost::system::error_code() : internal::boost_error(launched.error());
    return launched ? Process(executor, launched.value()) : Process(executor);
  }
};

// Starts a child as warden::launcher does, in a group of its own and with a reaper. The executor is not used but by an
// initialiser that runs in the child.
// Blocks, errors: as Child::spawn.
template <class Executor, class Args = std::initializer_list<boost::process::v2::string_view>, class... Inits>
Result<Child, SpawnError> spawn(Executor&& executor_or_context, const boost::process::v2::filesystem::path& executable,
                                Args&& args, Inits&&... inits) {
  std::optional<Child> child;
  const auto spawn_image = [&child](const internal::BoostImage& image) -> Result<int, SpawnError> {
    Result<Child, SpawnError> spawned = internal::spawn_image(image);
    if (!spawned) return std::move(spawned).error();
    return child.emplace(std::move(spawned).value()).pid();
  };
  auto executor = internal::BoostLauncher::executor_of(executor_or_context);
  const auto started =
      internal::BoostLauncher().start(spawn_image, executor, /*leads_group=*/true, executable, args, inits...);
  if (!started) return started.error();
  if (child.has_value()) return *std::move(child);
  return internal::adopt_or_kill(started.value(), executable.native());
}

}  // namespace warden

#endif  // WARDEN_BOOST_PROCESS_H_
