#include <pthread.h>

#include "gtest/gtest.h"
#include "test/support/leak_listener.h"

namespace {

void* cancel_itself(void*) {
  pthread_cancel(pthread_self());
  pthread_testcancel();
  return nullptr;
}

// The C library claims two signals, with the first thread and with the first cancellation of a process. Both happen
// here, before the first test's snapshot.
void take_the_signals_of_the_c_library() {
  pthread_t thread;
  if (pthread_create(&thread, nullptr, cancel_itself, nullptr) == 0) pthread_join(thread, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  take_the_signals_of_the_c_library();
  ::testing::UnitTest::GetInstance()->listeners().Append(new warden::test_support::LeakListener);
  return RUN_ALL_TESTS();
}
