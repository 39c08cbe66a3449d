// What a sink gets of a message.
#include "warden/log.h"

#include <string>

#include "gtest/gtest.h"
#include "lib/base/log_message.h"

namespace warden {
namespace {

// Takes the library's messages while it exists.
class Sink {
 public:
  Sink() { set_log_sink(take, this); }
  ~Sink() { set_log_sink(nullptr, nullptr); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  const std::string& line() const { return line_; }
  const char* name_at() const { return name_at_; }

 private:
  static void take(const LogRecord& record, void* context) {
    auto& sink = *static_cast<Sink*>(context);
    sink.name_at_ = record.process_name.data();
    sink.line_ = std::string(to_string(record.severity)) + ": '" + std::string(record.process_name) +
                 "': " + std::string(record.event) + ": " + std::string(record.error);
  }

  std::string line_;
  const char* name_at_ = nullptr;
};

TEST(LogTest, NameOfAProcessForgesNoLineOfASink) {
  const Sink sink;
  ASSERT_TRUE(internal::log_message({LogSeverity::kError, "a\nerror: 'b\x1b[2J\xc2\x9b\xff", "event", "why"}));
  EXPECT_EQ(sink.line(), "error: 'a\\x0aerror: 'b\\x1b[2J\\xc2\\x9b\\xff': event: why");
}

// An error has a line for each attempt.
TEST(LogTest, OrdinaryNameAndTheLinesOfAnErrorComeAsTheyAre) {
  const Sink sink;
  const std::string name = "caf\xc3\xa9 with a name that is not short";
  ASSERT_TRUE(internal::log_message({LogSeverity::kDebug, name, "event", "one\ntwo"}));
  EXPECT_EQ(sink.line(), "debug: '" + name + "': event: one\ntwo");
  EXPECT_EQ(sink.name_at(), name.data()) << "a copy needs memory, which may be what the message is about";
}

TEST(LogTest, MessageWithoutASinkIsNotTaken) {
  EXPECT_FALSE(internal::log_message({LogSeverity::kError, "a", "event", ""}));
}

}  // namespace
}  // namespace warden
