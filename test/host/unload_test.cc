// A host that unloads a plug-in which holds the library, while threads of the library run there.
#include <dlfcn.h>
#include <signal.h>

#include <string>

#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

// The plug-in, from its loading to its unloading. Its functions are called past that, too.
class Plugin {
 public:
  Plugin() : handle_(::dlopen(runfile_path("test/host/plugin.so").c_str(), RTLD_NOW | RTLD_LOCAL)) {
    EXPECT_NE(handle_, nullptr) << ::dlerror();
  }
  ~Plugin() { EXPECT_EQ(::dlclose(handle_), 0); }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  template <class Function>
  Function* function(const char* name) const {
    auto* const found = reinterpret_cast<Function*>(::dlsym(handle_, name));
    EXPECT_NE(found, nullptr) << name;
    return found;
  }

 private:
  void* const handle_;
};

using Start = int(const char* program);

TEST(UnloadedPlugin, HasItsChildrenReaped) {
  run_isolated([] {
    for (int round = 0; round < 3; ++round) {
      int pid = -1;
      {
        const Plugin plugin;
        pid = plugin.function<Start>("start_detached")(test_child_path().c_str());
      }
      const Pidfd process(pid);
      ASSERT_TRUE(process.send(SIGKILL));
      EXPECT_TRUE(process.wait_reaped());
    }
  });
}

TEST(UnloadedPlugin, CanStillBeCalledAndIsLoadedAgainWithItsChildren) {
  run_isolated([] {
    int (*wait_for_kept)() = nullptr;
    for (const bool loads_again : {false, true}) {
      int pid = -1;
      {
        const Plugin plugin;
        wait_for_kept = plugin.function<int()>("wait_for_kept");
        pid = plugin.function<Start>("start_kept")(test_child_path().c_str());
      }
      ASSERT_TRUE(Pidfd(pid).send(SIGKILL));
      if (loads_again) {
        const Plugin again;
        EXPECT_EQ(again.function<int()>("wait_for_kept")(), SIGKILL);
      } else {
        EXPECT_EQ(wait_for_kept(), SIGKILL);
      }
    }
  });
}

}  // namespace
}  // namespace warden::test_support
