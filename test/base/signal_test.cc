#include "warden/signal.h"

#include <signal.h>

#include <limits>
#include <set>
#include <sstream>

#include "gtest/gtest.h"

namespace warden {
namespace {

TEST(SignalTest, NumberFromOneToSixtyFourIsASignal) {
  for (int number = 1; number <= 64; ++number) {
    const auto signal = Signal::from_number(number);
    ASSERT_TRUE(signal.has_value()) << number;
    EXPECT_EQ(signal.value().number(), number);
  }
}

TEST(SignalTest, AnyOtherNumberIsRefusedByName) {
  for (const int number : {0, -1, -15, 65, 128, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
    const auto signal = Signal::from_number(number);
    ASSERT_TRUE(signal.has_error()) << number;
    EXPECT_EQ(signal.error().field, "signal");
    EXPECT_EQ(signal.error().value, std::to_string(number));
    EXPECT_FALSE(signal.error().reason.empty());
  }
}

TEST(SignalTest, EveryNameLeadsBackToItsSignalWithAndWithoutSig) {
  std::set<std::string> names;
  for (int number = 1; number <= 64; ++number) {
    const std::string name = Signal::from_number(number).value().name();
    EXPECT_TRUE(names.insert(name).second) << name << " names two signals";
    ASSERT_EQ(name.substr(0, 3), "SIG");
    for (const std::string& given : {name, name.substr(3)}) {
      const auto signal = Signal::from_name(given);
      ASSERT_TRUE(signal.has_value()) << given;
      EXPECT_EQ(signal.value().number(), number) << given;
    }
  }
}

TEST(SignalTest, NamedSignalsAreThoseOfTheSystem) {
  const struct {
    Signal signal;
    int number;
    const char* name;
  } expected[] = {
      {Signal::hangup(), SIGHUP, "SIGHUP"},  {Signal::interrupt(), SIGINT, "SIGINT"},
      {Signal::quit(), SIGQUIT, "SIGQUIT"},  {Signal::abort(), SIGABRT, "SIGABRT"},
      {Signal::kill(), SIGKILL, "SIGKILL"},  {Signal::user1(), SIGUSR1, "SIGUSR1"},
      {Signal::user2(), SIGUSR2, "SIGUSR2"}, {Signal::terminate(), SIGTERM, "SIGTERM"},
      {Signal::stop(), SIGSTOP, "SIGSTOP"},  {Signal::continue_process(), SIGCONT, "SIGCONT"},
  };
  for (const auto& [signal, number, name] : expected) {
    EXPECT_EQ(signal.number(), number);
    EXPECT_EQ(signal.name(), name);
  }
}

TEST(SignalTest, RealTimeSignalsCountFromTheCLibrarysFirst) {
  EXPECT_EQ(Signal::from_number(SIGRTMIN).value().name(), "SIGRTMIN");
  EXPECT_EQ(Signal::from_name("SIGRTMIN+3").value().number(), SIGRTMIN + 3);
  EXPECT_EQ(Signal::from_name("RTMIN+30").value().number(), SIGRTMAX);
  EXPECT_EQ(Signal::from_number(32).value().name(), "SIG32");
  EXPECT_EQ(Signal::from_number(33).value().name(), "SIG33");
}

TEST(SignalTest, TextThatIsNoNameIsRefused) {
  for (const char* name : {"", "SIG", "sigterm", "SigTerm", "SIGSIGTERM", "15", "SIGRTMIN+31", "SIGRTMIN+0", "SIGRTMAX",
                           " SIGTERM", "SIGTERM ", "TER"}) {
    const auto signal = Signal::from_name(name);
    ASSERT_TRUE(signal.has_error()) << name;
    EXPECT_EQ(signal.error().field, "signal");
    EXPECT_EQ(signal.error().value, name);
  }
}

TEST(SignalTest, OnlyTheTwoOfTheCLibraryCannotBeSent) {
  for (int number = 1; number <= 64; ++number) {
    EXPECT_EQ(Signal::from_number(number).value().can_be_sent(), number != 32 && number != 33) << number;
  }
}

TEST(SignalTest, OnlyKillAndStopCannotBeCaught) {
  for (int number = 1; number <= 64; ++number) {
    EXPECT_EQ(Signal::from_number(number).value().can_be_caught(), number != SIGKILL && number != SIGSTOP) << number;
  }
}

TEST(SignalTest, ComparesByNumberAndPrintsItsName) {
  EXPECT_EQ(Signal::terminate(), Signal::from_name("TERM").value());
  EXPECT_NE(Signal::terminate(), Signal::kill());
  std::ostringstream out;
  out << Signal::user1();
  EXPECT_EQ(out.str(), "SIGUSR1");
}

}  // namespace
}  // namespace warden
