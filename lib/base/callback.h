// A callback of the program with its context, which any thread may set and any thread may call.
#ifndef WARDEN_LIB_BASE_CALLBACK_H_
#define WARDEN_LIB_BASE_CALLBACK_H_

#include <atomic>

namespace warden::internal {

// Thread-safe without a lock, so that a forked copy can use it, whatever another thread was doing at the fork.
// Constant-initialised and trivially destroyed: usable before main and after exit.
template <class Function>
class Callback {
 public:
  struct Value {
    Function function = nullptr;
    void* context = nullptr;
  };

  Value get() const {
    const Node* const node = current_.load(std::memory_order_acquire);
    return node == nullptr ? Value{} : node->value;
  }

  // Each new value takes some memory for good, because another thread may be reading it.
  void set(const Value& value) { current_.store(node_of(value), std::memory_order_release); }

 private:
  struct Node {
    Value value;
    const Node* older;
  };

  const Node* node_of(const Value& value) {
    if (value.function == nullptr) return nullptr;
    const Node* newest = all_.load(std::memory_order_acquire);
    for (const Node* node = newest; node != nullptr; node = node->older) {
      if (node->value.function == value.function && node->value.context == value.context) return node;
    }
    Node* const made = new Node{value, newest};
    while (!all_.compare_exchange_weak(newest, made, std::memory_order_acq_rel)) made->older = newest;
    return made;
  }

  std::atomic<const Node*> current_{nullptr};
  std::atomic<const Node*> all_{nullptr};
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_BASE_CALLBACK_H_
