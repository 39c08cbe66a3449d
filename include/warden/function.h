// A function that a program hands to the library.
//
// Its aliases are LineCallback and LinePredicate (output_line.h) and ReadyPredicate (readiness.h).
#ifndef WARDEN_FUNCTION_H_
#define WARDEN_FUNCTION_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace warden {

template <class Signature>
class Function;

// Made from anything that can be called so. Copies of one that can only be moved share it; one that says that it can be
// copied has to be (std::is_copy_constructible). Empty from nullptr, a null pointer to a function, and what has an
// explicit operator bool that says false, as an empty std::function.
template <class R, class... Args>
class Function<R(Args...)> {
 public:
  Function() = default;
  Function(std::nullptr_t) {}
  template <class F, class = std::enable_if_t<!std::is_same_v<std::decay_t<F>, Function> &&
                                              std::is_invocable_r_v<R, std::decay_t<F>&, Args...>>>
  Function(F&& function) {
    using Callable = std::decay_t<F>;
    if constexpr (std::is_constructible_v<bool, Callable&> && !std::is_convertible_v<Callable&, bool>) {
      if (!static_cast<bool>(function)) return;  // an explicit operator bool
    }
    if constexpr (std::is_copy_constructible_v<Callable>) {
      function_ = std::forward<F>(function);
    } else {
      function_ = [shared = std::make_shared<Callable>(std::forward<F>(function))](Args... args) -> R {
        return std::invoke(*shared, std::forward<Args>(args)...);
      };
    }
  }

  explicit operator bool() const { return static_cast<bool>(function_); }
  // REQUIRES: it is not empty.
  R operator()(Args... args) const { return function_(std::forward<Args>(args)...); }

 private:
  std::function<R(Args...)> function_;
};

}  // namespace warden

#endif  // WARDEN_FUNCTION_H_
