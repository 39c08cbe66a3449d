#include "warden/error.h"

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <new>
#include <ostream>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "lib/base/printable.h"
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
        return "processes of the group or the tree are left";
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
      case Errc::kContainmentLost:
        return "the keeper of the tree was killed; what is left of the tree is not known";
    }
    return absl::StrCat("unknown error ", value);
  }
};

// A step's word, and what it does; in the order of SpawnError::Step.
struct StepText {
  std::string_view word;
  const char* what;
};
constexpr StepText kSteps[] = {
    {"validate", "check the command"},
    {"initialise", "run an initialiser"},
    {"resolve_program", "find the program"},
    {"create_thread", "create the reaper thread"},
    {"create_reader", "create the thread that reads the output"},
    {"create_pipe", "create a pipe"},
    {"launch", "create the process"},
    {"set_group", "set the process group"},
    {"set_session", "create the session"},
    {"unshare_files", "unshare the descriptor table"},
    {"set_descriptor", "set a descriptor"},
    {"open_file", "open a file"},
    {"set_foreground", "set the terminal's foreground group"},
    {"set_limit", "set a resource limit"},
    {"set_nice", "set the nice value"},
    {"set_affinity", "set the processors"},
    {"set_groups", "set the supplementary groups"},
    {"set_gid", "set the group id"},
    {"set_uid", "set the user id"},
    {"change_directory", "change the directory"},
    {"no_new_privileges", "give up new privileges"},
    {"parent_death_signal", "set the parent-death signal"},
    {"contain", "contain the tree"},
    {"exec", "execute the program"},
    {"adopt", "adopt the process"},
};

static_assert(std::size(kSteps) == static_cast<std::size_t>(SpawnError::Step::kAdopt) + 1);

StepText text_of(SpawnError::Step step) {
  const auto index = static_cast<std::size_t>(step);
  return index < std::size(kSteps) ? kSteps[index] : StepText{"unknown", "take an unknown step"};
}

#if defined(__cpp_exceptions)
// Its what() is the message alone: that of std::system_error would end in the code's text once more.
class Thrown : public std::system_error {
 public:
  Thrown(std::error_code code, const std::string& message) : std::system_error(code), message_(message) {}
  const char* what() const noexcept override { return message_.what(); }

 private:
  std::runtime_error message_;  // which is copied without an exception
};
#endif

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
  return absl::StrCat("invalid ", internal::printable(field), " '", internal::printable(value), "': ", reason);
}

std::error_code make_error_code(const InvalidArgument&) { return std::make_error_code(std::errc::invalid_argument); }

std::string_view to_string(SpawnError::Step step) { return text_of(step).word; }

std::string SpawnError::to_string() const {
  std::string text = absl::StrCat("could not start '", internal::printable(process_name), "': ");
  if (invalid_argument.has_value()) {
    absl::StrAppend(&text, invalid_argument->to_string(), ": ");
  } else {
    absl::StrAppend(&text, "cannot ", text_of(step).what, subject.empty() ? "" : " '", internal::printable(subject),
                    subject.empty() ? ": " : "': ");
  }
  return text + code.message();
}

std::string WaitError::to_string() const {
  const std::string why = invalid_argument.has_value() ? invalid_argument->to_string() : code.message();
  return absl::StrCat("could not wait for '", internal::printable(process_name), "': ", why);
}

void internal::throw_system_error(std::error_code code, const std::string& message) {
#if defined(__cpp_exceptions)
  throw Thrown(code, message);
#else
  std::fprintf(stderr, "warden: %s\n", message.c_str());
  std::abort();
#endif
}

WARDEN_DEFINE_THROW_AND_PRINT(InvalidArgument)
std::ostream& operator<<(std::ostream& out, SpawnError::Step step) { return out << to_string(step); }
WARDEN_DEFINE_ERROR(SpawnError)
WARDEN_DEFINE_ERROR(WaitError)

}  // namespace warden
