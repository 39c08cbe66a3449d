// Result<T, E>: a value or an error, from Boost.Outcome.
//
// Result<T, E> is outcome::std_result<T, E>: the very type that outcome::result<T, E> of <boost/outcome/result.hpp> is
// when E is one of our payload structs, at a quarter of the include cost. It has value(), error(), has_value(), and
// BOOST_OUTCOME_TRY (<boost/outcome/try.hpp>) works on it, narrowing a payload struct to std::error_code where the
// caller's result carries only that. value() on an error throws std::system_error with the error's code (or aborts
// where exceptions are off).
#ifndef WARDEN_RESULT_H_
#define WARDEN_RESULT_H_

#if defined(__cplusplus) && __cplusplus < 201703L
#error "warden needs C++17: compile with -std=c++17 or newer"
#endif

#include <boost/outcome/std_result.hpp>
#include <boost/version.hpp>

// Defined where an installed library is used, by CMake and pkg-config: the Boost that it was built with.
#if defined(WARDEN_BOOST_VERSION) && BOOST_VERSION / 100 != WARDEN_BOOST_VERSION
#error "this warden was built with another Boost, whose Boost.Outcome may have another layout: WARDEN_BOOST_VERSION"
#endif

namespace warden {

// Boost.Outcome, under the name that this library's documentation uses.
namespace outcome {
using namespace BOOST_OUTCOME_V2_NAMESPACE;  // NOLINT(google-build-using-namespace): an alias that can be added to
template <class T, class E>
using result = BOOST_OUTCOME_V2_NAMESPACE::std_result<T, E>;
}  // namespace outcome

template <class T, class E>
using Result = outcome::std_result<T, E>;

}  // namespace warden

#endif  // WARDEN_RESULT_H_
