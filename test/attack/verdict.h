// How a call of the library ended a tree.
#ifndef WARDEN_TEST_ATTACK_VERDICT_H_
#define WARDEN_TEST_ATTACK_VERDICT_H_

#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "test/attack/plan.h"
#include "test/attack/rng.h"
#include "test/attack/tree.h"
#include "warden/warden.h"

namespace warden::attack {

struct Verdict {
  bool ok = false;
  bool gone = false;  // at its return
  std::string code, text;
};

std::string code_name(const std::error_code& code);

template <class T, class E>
Verdict verdict_of(const Result<T, E>& result, const Tree& tree) {
  Verdict verdict;
  verdict.gone = tree.hung_up();
  verdict.ok = result.has_value();
  if (verdict.ok) return verdict;
  verdict.code = code_name(result.error().code);
  verdict.text = result.error().to_string();
  return verdict;
}

constexpr char kInDestructor[] = "in the destructor";

// What the library says of a handle that it could not end.
void complain(std::string_view text);

// One for each call.
std::vector<Verdict> end_child(std::optional<Child>& child, Way way, Rng& rng, const Tree& tree);

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_VERDICT_H_
