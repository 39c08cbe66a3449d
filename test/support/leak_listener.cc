#include "test/support/leak_listener.h"

namespace warden::testing {

void LeakListener::OnTestStart(const ::testing::TestInfo&) { before_ = ProcessSnapshot::take(); }

void LeakListener::OnTestEnd(const ::testing::TestInfo& info) {
  for (const std::string& difference : differences_once_settled(before_)) {
    ADD_FAILURE() << info.test_suite_name() << "." << info.name() << " left " << difference;
  }
}

}  // namespace warden::testing
