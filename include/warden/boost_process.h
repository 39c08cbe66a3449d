// Code that speaks Boost.Process v2: takes its processes under supervision, and launches in its words.
//
// Take a process over:
//   boost::process::v2::process process(context, "/usr/bin/server", {});
//   warden::Result<warden::Child, warden::SpawnError> child = warden::adopt(std::move(process));
//
// Launch with Boost's arguments and initialisers, at a cost that does not grow with the program's memory:
//   boost::process::v2::process_stdio stdio{nullptr, pipe, {}};
//   boost::process::v2::process process = warden::launcher{}(executor, "/usr/bin/server", arguments, stdio);
//   warden::Result<warden::Child, warden::SpawnError> child =
//       warden::spawn(executor, "/usr/bin/server", arguments, stdio);
#ifndef WARDEN_BOOST_PROCESS_H_
#define WARDEN_BOOST_PROCESS_H_

#include <boost/version.hpp>
#if BOOST_VERSION < 108100
#error "warden/boost_process.h needs Boost 1.81 or newer (Boost.Process v2)"
#endif

#include <errno.h>
#include <unistd.h>

#include <boost/asio/execution/executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/is_executor.hpp>
#include <boost/process/v2/environment.hpp>
#include <boost/process/v2/posix/default_launcher.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/start_dir.hpp>
#include <boost/process/v2/stdio.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>
#include <functional>
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

// What is executed, as it stands.
struct BoostImage {
  std::string executable;
  const char* const* argv = nullptr;
  const char* const* envp = nullptr;
  const char* cwd = nullptr;  // null: the parent's
  int stdio[3] = {0, 1, 2};   // the parent's descriptors
  std::vector<int> kept;      // descriptors that the child gets under their own numbers
};

// A child whose program runs and that nobody has taken yet. The destructor kills and collects it.
class BoostChild {
 public:
  BoostChild(int pid, int pidfd) : pid_(pid), pidfd_(pidfd) {}
  BoostChild(BoostChild&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), pidfd_(std::exchange(other.pidfd_, -1)) {}
  BoostChild& operator=(BoostChild&&) = delete;
  ~BoostChild();

  int pid() const { return pid_; }
  int pidfd() const { return pidfd_; }  // -1 where there is none
  int release_pidfd() { return std::exchange(pidfd_, -1); }
  void release() { pid_ = -1; }

 private:
  int pid_;
  int pidfd_;
};

SpawnError boost_failure(SpawnError::Step step, const boost::system::error_code& code, const std::string& executable);
boost::system::error_code boost_error(const SpawnError& error);

// A child in the parent's group.
Result<BoostChild, SpawnError> launch_image(const BoostImage& image);
// A child in a group of its own.
Result<Child, SpawnError> spawn_image(const BoostImage& image);
Result<Child, SpawnError> adopt_child(BoostChild child, const std::string& name);

// What the initialisers do in a forked child.
struct BoostChildSide {
  std::function<boost::system::error_code()> on_exec_setup;
  std::function<void(const boost::system::error_code&)> on_exec_error;
};

// What this process prepares for a fork, and what both sides do after it. The header calls fork(2): no object of the
// library does.
class BoostFork {
 public:
  BoostFork(const BoostImage& image, bool leads_group);
  ~BoostFork();
  BoostFork(const BoostFork&) = delete;
  BoostFork& operator=(const BoostFork&) = delete;

  // The errno where there was no pipe to be had, and no fork is to be made.
  int error() const;

  // Runs the child's side and executes the program; reports what fails. An exception is reported as ECANCELED.
  [[noreturn]] void in_child(const BoostChildSide& side) noexcept;
  // Waits for the exec. `fork_error` is the errno where `pid` is -1. A child that fails is collected.
  Result<BoostChild, SpawnError> in_parent(int pid, int fork_error);

 private:
  struct Plan;
  Plan* plan_;
};

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
constexpr bool kHasHook = std::is_invocable_v<Hook, Init&, Args&...>;

template <class Hook, class Init, class... Args>
void call_hook(Hook hook, Init& init, Args&... args) {
  if constexpr (kHasHook<Hook, Init, Args...>) hook(init, args...);
}

// Calls it unless an earlier one has failed.
template <class Hook, class Init, class... Args>
void try_hook(boost::system::error_code& error, Hook hook, Init& init, Args&... args) {
  if constexpr (kHasHook<Hook, Init, Args...>) {
    if (!error) error = hook(init, args...);
  }
}

// One that the plan does without a hook.
template <class Init>
constexpr bool kIsPlanned = std::is_same_v<Init, boost::process::v2::process_stdio> ||
                            std::is_same_v<Init, boost::process::v2::process_environment> ||
                            std::is_same_v<Init, boost::process::v2::process_start_dir>;

// The executor of a context, or the executor itself; no type for anything else.
template <class Context, class = void>
struct BoostExecutor {};
template <class Context>
struct BoostExecutor<Context, std::enable_if_t<std::is_convertible_v<Context&, boost::asio::execution_context&>>> {
  using Type = typename Context::executor_type;
  static Type of(Context& context) { return context.get_executor(); }
};
template <class Executor>
struct BoostExecutor<Executor, std::enable_if_t<boost::asio::execution::is_executor<Executor>::value ||
                                                boost::asio::is_executor<Executor>::value>> {
  using Type = Executor;
  static Type of(const Executor& executor) { return executor; }
};
template <class Context>
using ExecutorOf = typename BoostExecutor<std::remove_cv_t<std::remove_reference_t<Context>>>::Type;

// Makes a Boost process of what is launched.
template <class Executor>
struct ProcessOwner {
  using Process = boost::process::v2::basic_process<Executor>;

  Result<int, SpawnError> operator()(const BoostImage& image) {
    Result<BoostChild, SpawnError> child = launch_image(image);
    if (!child) return std::move(child).error();
    return (*this)(std::move(child).value());
  }
  Result<int, SpawnError> operator()(BoostChild child) {
    const int pid = child.pid();
#if defined(BOOST_PROCESS_V2_PIDFD_OPEN)
    if (child.pidfd() >= 0) {
      process = Process(executor, pid, child.pidfd());
      child.release_pidfd();
      child.release();
      return pid;
    }
#endif
    process = Process(executor, pid);
    child.release();
    return pid;
  }

  Executor executor;
  Process process{executor};
};

// Makes a Child of what is launched.
struct ChildOwner {
  Result<int, SpawnError> operator()(const BoostImage& image) { return take(spawn_image(image)); }
  Result<int, SpawnError> operator()(BoostChild started) { return take(adopt_child(std::move(started), name)); }
  Result<int, SpawnError> take(Result<Child, SpawnError> started) {
    if (!started) return std::move(started).error();
    return child.emplace(std::move(started).value()).pid();
  }

  std::string name;
  std::optional<Child> child = std::nullopt;
};

}  // namespace internal

// Starts a child with the arguments of a Boost launcher, in a group of its own and with a reaper. Its name is the
// executable's path. Everything else is as with warden::launcher, which has the rules. Call it with its namespace: for
// an unqualified call the compiler finds boost::asio::spawn, too.
// Blocks, errors: as Child::spawn. SpawnError::Step::kInitialise is an initialiser's refusal.
template <class Context, class Args = std::initializer_list<boost::process::v2::string_view>, class... Inits,
          class = internal::ExecutorOf<Context>>
Result<Child, SpawnError> spawn(Context&& executor_or_context, const boost::process::v2::filesystem::path& executable,
                                Args&& args, Inits&&... inits);

// A launcher of Boost.Process's own protocol. The child shares the parent's memory until its exec, as with
// Child::spawn, so its cost does not depend on the size of the parent. (Boost's default launcher copies the page tables
// of all of it.) The executable is a path, as Boost takes it, and is not looked up.
//
// The child gets what process_stdio, process_environment and process_start_dir ask for; they are recognised by their
// type, and their hooks are not called. Of the descriptors above 2 it gets those in fd_whitelist and no other. The
// environment is `env`, this process's as it was when the launcher was made, unless an initialiser sets it. A launch
// changes neither member for the next.
//
// Of every other initialiser these hooks are called in this process: on_setup, up to the first that refuses; then
// on_fork_success and on_success once the program runs, or on_error otherwise, after on_fork_error where no process
// could be made. An initialiser that has an on_exec_setup or on_exec_error wants to run in the child: then the launcher
// forks, as Boost's does. Only the forking thread is there, whatever another one holds stays locked, and the child
// keeps this process's signal mask and ignored signals; a busy program file is not tried again, and a child that is
// killed in its exec counts as started. Signals are as with Child::spawn otherwise.
//
// Returns when the program runs. Boost waits for the process: no thread of this library does, and the child stays in
// the parent's group.
// Errors: the errno of the step that failed, or an Errc; of a hook in the child the errno, or ECANCELED for an
// exception and for a code of another category. By `error`, and then the process is not open, or by
// boost::system::system_error. Nothing is left of the child: no zombie, no descriptor; it has run no destructor of this
// program, and no function that was given to atexit(3). What a hook throws in this process passes through, and the
// child is ended. Thread-compatible.
struct launcher : boost::process::v2::posix::default_launcher {
  template <class Context, class Args = std::initializer_list<boost::process::v2::string_view>, class... Inits>
  auto operator()(Context&& executor_or_context, const boost::process::v2::filesystem::path& executable, Args&& args,
                  Inits&&... inits) -> boost::process::v2::basic_process<internal::ExecutorOf<Context>> {
    boost::system::error_code error;
    auto process = (*this)(executor_or_context, error, executable, args, inits...);
    if (error) boost::throw_exception(boost::system::system_error(error, "warden::launcher"));
    return process;
  }

  template <class Context, class Args = std::initializer_list<boost::process::v2::string_view>, class... Inits>
  auto operator()(Context&& executor_or_context, boost::system::error_code& error,
                  const boost::process::v2::filesystem::path& executable, Args&& args, Inits&&... inits)
      -> boost::process::v2::basic_process<internal::ExecutorOf<Context>> {
    auto executor = executor_of(executor_or_context);
    internal::ProcessOwner<decltype(executor)> owner{executor};
    const Result<int, SpawnError> started = start(owner, executor, /*leads_group=*/false, executable, args, inits...);
    error = started ? boost::system::error_code() : internal::boost_error(started.error());
    return std::move(owner.process);
  }

 private:
  using Path = boost::process::v2::filesystem::path;
  using Argv = const char* const*;
  using Error = boost::system::error_code;

  template <class Context, class Args, class... Inits, class Executor>
  friend Result<Child, SpawnError> spawn(Context&& executor_or_context,
                                         const boost::process::v2::filesystem::path& executable, Args&& args,
                                         Inits&&... inits);

  // Puts back what a launch has changed.
  class Restored {
   public:
    explicit Restored(launcher& restored)
        : restored_(restored), env_(restored.env), whitelist_(restored.fd_whitelist) {}
    ~Restored() {
      restored_.env = env_;
      restored_.fd_whitelist.swap(whitelist_);
      restored_.argv_.clear();
      restored_.argv_buffer_.clear();
    }
    Restored(const Restored&) = delete;
    Restored& operator=(const Restored&) = delete;

   private:
    launcher& restored_;
    const char* const* const env_;
    std::vector<int> whitelist_;
  };

  template <class Context>
  static auto executor_of(Context& context) {
    return internal::BoostExecutor<std::remove_cv_t<Context>>::of(context);
  }

  template <class Init>
  static constexpr bool runs_in_child() {
    return !internal::kIsPlanned<std::decay_t<Init>> &&
           (internal::kHasHook<decltype(internal::kOnExecSetup), Init, launcher, const Path, Argv> ||
            internal::kHasHook<decltype(internal::kOnExecError), Init, launcher, const Path, Argv, const Error>);
  }

  template <class Init>
  void set_up(Init& init, const Path& executable, Argv& argv, Error& error) {
    if constexpr (!internal::kIsPlanned<std::decay_t<Init>>) {
      internal::try_hook(error, internal::kOnSetup, init, *this, executable, argv);
    }
  }

  template <class Init>
  void plan(internal::BoostImage& image, Init& init, Error& error) {
    using Type = std::decay_t<Init>;
    if constexpr (std::is_same_v<Type, boost::process::v2::process_stdio>) {
      image.stdio[0] = init.in.fd;
      image.stdio[1] = init.out.fd;
      image.stdio[2] = init.err.fd;
      for (const Error& failed : {init.in.ec, init.out.ec, init.err.ec}) {
        if (!error) error = failed;
      }
    } else if constexpr (std::is_same_v<Type, boost::process::v2::process_start_dir>) {
      image.cwd = init.start_dir.c_str();
    } else if constexpr (std::is_same_v<Type, boost::process::v2::process_environment>) {
      env = init.env.data();
    }
  }

  // Returns the process id; `own` has taken the process.
  template <class Own, class Executor, class Args, class... Inits>
  Result<int, SpawnError> start(Own& own, Executor& executor, bool leads_group, const Path& executable, Args& args,
                                Inits&... inits) {
    const Restored restored(*this);
    argv_.clear();
    argv_buffer_.clear();
    pid = -1;
    Argv argv = build_argv_(executable, args);
    internal::BoostImage image;
    Error error;
    (set_up(inits, executable, argv, error), ...);
    (plan(image, inits, error), ...);
    image.executable = executable.native();
    image.argv = argv;
    image.envp = env;
    image.kept = fd_whitelist;
    Result<int, SpawnError> started = internal::boost_failure(SpawnError::Step::kInitialise, error, image.executable);
    if (!error) started = launch(own, executor, leads_group, image, executable, argv, inits...);
    if (started) {
      pid = started.value();
      (internal::call_hook(internal::kOnForkSuccess, inits, *this, executable, argv), ...);
      (internal::call_hook(internal::kOnSuccess, inits, *this, executable, argv), ...);
      return started;
    }
    [[maybe_unused]] const Error why = internal::boost_error(started.error());
    if (started.error().step == SpawnError::Step::kLaunch) {
      (internal::call_hook(internal::kOnForkError, inits, *this, executable, argv, why), ...);
    }
    (internal::call_hook(internal::kOnError, inits, *this, executable, argv, why), ...);
    return started;
  }

  template <class Own, class Executor, class... Inits>
  Result<int, SpawnError> launch(Own& own, [[maybe_unused]] Executor& executor, [[maybe_unused]] bool leads_group,
                                 const internal::BoostImage& image, [[maybe_unused]] const Path& executable,
                                 [[maybe_unused]] Argv& argv, [[maybe_unused]] Inits&... inits) {
    if constexpr ((runs_in_child<Inits>() || ...)) {
      using boost::asio::execution_context;
      auto& context = boost::asio::query(executor, boost::asio::execution::context);
      const internal::BoostChildSide side = {
          [&] {
            Error error;
            context.notify_fork(execution_context::fork_child);
            (internal::try_hook(error, internal::kOnExecSetup, inits, *this, executable, argv), ...);
            return error;
          },
          [&](const Error& error) {
            (internal::call_hook(internal::kOnExecError, inits, *this, executable, argv, error), ...);
          }};
      internal::BoostFork forked(image, leads_group);
      if (forked.error() != 0) {
        return internal::boost_failure(SpawnError::Step::kCreatePipe,
                                       Error(forked.error(), boost::system::system_category()), image.executable);
      }
      context.notify_fork(execution_context::fork_prepare);
      pid = ::fork();
      if (pid == 0) forked.in_child(side);
      Result<internal::BoostChild, SpawnError> child = forked.in_parent(pid, errno);
      context.notify_fork(execution_context::fork_parent);
      if (!child) return std::move(child).error();
      return own(std::move(child).value());
    } else {
      return own(image);
    }
  }
};

template <class Context, class Args, class... Inits, class>
Result<Child, SpawnError> spawn(Context&& executor_or_context, const boost::process::v2::filesystem::path& executable,
                                Args&& args, Inits&&... inits) {
  auto executor = launcher::executor_of(executor_or_context);
  internal::ChildOwner owner{executable.native()};
  launcher starter;
  const Result<int, SpawnError> started =
      starter.start(owner, executor, /*leads_group=*/true, executable, args, inits...);
  if (!started) return started.error();
  return *std::move(owner.child);
}

}  // namespace warden

#endif  // WARDEN_BOOST_PROCESS_H_
