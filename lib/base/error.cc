#include "warden/error.h"

#include <cstdio>
#include <cstdlib>
#include <new>
#include <ostream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "lib/base/throw_error.h"

namespace warden {
namespace {

class Category : public std::error_category {
 public:
  constexpr Category() = default;
  const char* name() const noexcept override { return "warden"; }
  std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::kNotAChild:
        return "not a child of this process, or reaped by somebody else";
      case Errc::kStillRunning:
        return "still running after SIGKILL";
      case Errc::kSurvivors:
        return "processes of the group are left";
      case Errc::kGroupUnknown:
        return "cannot tell whether the process group is empty";
      case Errc::kEmptyHandle:
        return "the handle was moved from";
      case Errc::kStatusUnknown:
        return "the state of the process cannot be read";
      case Errc::kNotReapable:
        return "dead, and held by its tracer";
      case Errc::kNotOwner:
        return "the handle belongs to the process that this one was forked from";
      case Errc::kWouldDeadlock:
        return "a callback of the child's own output may not wait for it";
      case Errc::kNotCaptured:
        return "the stream was not captured";
      case Errc::kUnsuccessful:
        return "the process was not successful";
      case Errc::kNotExecuted:
        return "the child was killed before it had executed the program";
    }
    return absl::StrCat("unknown error ", value);
  }
};

}  // namespace

const std::error_category& error_category() {
  // Never destroyed, since codes may be printed after exit; and without memory, since a code may be made for want of
  // it.
  alignas(Category) static unsigned char storage[sizeof(Category)];
  static const Category* const category = new (storage) Category;
  return *category;
}

std::error_code make_error_code(Errc code) { return {static_cast<int>(code), error_category()}; }

std::string InvalidArgument::to_string() const {
  return absl::StrCat("invalid ", field, " '", absl::CHexEscape(value), "': ", reason);
}

std::error_code make_error_code(const InvalidArgument&) { return std::make_error_code(std::errc::invalid_argument); }

std::string_view to_string(SpawnStep step) {
  switch (step) {
    case SpawnStep::kValidate:
      return "check the command";
    case SpawnStep::kResolveProgram:
      return "find the program";
    case SpawnStep::kCreateThread:
      return "create the reaper thread";
    case SpawnStep::kCreateReader:
      return "create the thread that reads the output";
    case SpawnStep::kCreatePipe:
      return "create a pipe";
    case SpawnStep::kLaunch:
      return "create the process";
    case SpawnStep::kSetGroup:
      return "set the process group";
    case SpawnStep::kSetSession:
      return "create the session";
    case SpawnStep::kUnshareFiles:
      return "unshare the descriptor table";
    case SpawnStep::kSetDescriptor:
      return "set a descriptor";
    case SpawnStep::kOpenFile:
      return "open a file";
    case SpawnStep::kSetForeground:
      return "set the terminal's foreground group";
    case SpawnStep::kSetLimit:
      return "set a resource limit";
    case SpawnStep::kSetNice:
      return "set the nice value";
    case SpawnStep::kSetGroups:
      return "set the supplementary groups";
    case SpawnStep::kSetGid:
      return "set the group id";
    case SpawnStep::kSetUid:
      return "set the user id";
    case SpawnStep::kChangeDirectory:
      return "change the directory";
    case SpawnStep::kParentDeathSignal:
      return "set the parent-death signal";
    case SpawnStep::kExec:
      return "execute the program";
    case SpawnStep::kAdopt:
      return "adopt the process";
  }
  return "unknown step";
}

std::string SpawnError::to_string() const {
  std::string text = absl::StrCat("could not start '", process_name, "': ");
  if (!field.empty()) {
    absl::StrAppend(&text, "invalid ", field, " '", absl::CHexEscape(value), "': ", reason, ": ");
  } else {
    const std::string_view what = warden::to_string(step);
    absl::StrAppend(&text, "cannot ", absl::string_view(what.data(), what.size()), value.empty() ? "" : " '",
                    absl::CHexEscape(value), value.empty() ? ": " : "': ");
  }
  return text + code.message();
}

std::string WaitError::to_string() const {
  const std::string why = invalid_argument.has_value() ? invalid_argument->to_string() : code.message();
  return absl::StrCat("could not wait for '", process_name, "': ", why);
}

void internal::throw_system_error(std::error_code code, const std::string& message) {
#if defined(__cpp_exceptions)
  throw std::system_error(code, message);
#else
  std::fprintf(stderr, "warden: %s: %s\n", message.c_str(), code.message().c_str());
  std::abort();
#endif
}

WARDEN_DEFINE_THROW_AND_PRINT(InvalidArgument)
std::ostream& operator<<(std::ostream& out, SpawnStep step) { return out << to_string(step); }
WARDEN_DEFINE_ERROR(SpawnError)
WARDEN_DEFINE_ERROR(WaitError)

}  // namespace warden
