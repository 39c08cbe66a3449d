#include "warden/testing/leak_check.h"

#include <unistd.h>

#include <chrono>
#include <thread>

#include "gtest/gtest.h"
#include "lib/testing/failure.h"
#include "lib/testing/process_census.h"

namespace warden::testing {
namespace {

using internal::ProcessCensus;

constexpr std::chrono::seconds kPatience(3);

// Starts a thread before the first census: ThreadSanitizer starts one of its own with the program's first thread, and
// that is no leak of a test.
ProcessCensus take_first_census() {
  static const bool has_had_thread = [] {
    std::thread([] {}).join();
    return true;
  }();
  static_cast<void>(has_had_thread);
  return ProcessCensus::take();
}

// Finds none in a forked copy of the process, which has its own descriptors and children.
std::vector<std::string> leaks_since(const ProcessCensus& before) {
  if (::getpid() != before.pid) return {};
  internal::wait_for_threads(before, kPatience);
  return internal::find_leaks(before, ProcessCensus::take());
}

class LeakListener final : public ::testing::EmptyTestEventListener {
 public:
  void OnTestStart(const ::testing::TestInfo&) override { before_ = take_first_census(); }

  void OnTestEnd(const ::testing::TestInfo& info) override {
    for (const std::string& leak : leaks_since(before_)) {
      internal::add_failure(info.file(), info.line(),
                            std::string(info.test_suite_name()) + "." + info.name() + " left " + leak);
    }
  }

 private:
  ProcessCensus before_;
};

}  // namespace

void install_leak_check() {
  static bool is_installed = false;
  if (is_installed) return;
  is_installed = true;
  ::testing::UnitTest::GetInstance()->listeners().Append(new LeakListener);  // the list owns it
}

LeakCheck::LeakCheck() : before_(std::make_unique<const ProcessCensus>(take_first_census())) {}

LeakCheck::~LeakCheck() {
  for (const std::string& leak : leaks()) internal::add_failure(nullptr, -1, "left " + leak);
}

std::vector<std::string> LeakCheck::leaks() const { return leaks_since(*before_); }

}  // namespace warden::testing
