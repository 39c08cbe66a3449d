// What a child keeps of the host's signals where that is asked for. What it is like otherwise: spawn_test.cc.
#include <pthread.h>
#include <signal.h>

#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <string>
#include <thread>

#include "gtest/gtest.h"
#include "test/support/isolated.h"
#include "test/support/spawn_helpers.h"
#include "test/support/test_child_path.h"

namespace warden::test_support {
namespace {

Command reporter() { return Command(test_child_path()); }

// A line of this thread's status (proc(5)).
std::string own_status(const std::string& key) {
  std::ifstream file("/proc/thread-self/status");
  for (std::string word; file >> word;) {
    if (word == key + ":" && file >> word) return word;
  }
  return "?";
}

std::uint64_t bit(int signal) { return std::uint64_t{1} << (signal - 1); }

std::uint64_t signals_of(const Report& report, const char* key) { return std::stoull(report.at(key), nullptr, 16); }

void handle(int) {}

TEST(SpawnSignals, ThoseThatTheHostIgnoresStayIgnoredWhereThatIsAskedFor) {
  run_isolated_unchecked([] {
    for (const int signal : {SIGHUP, SIGINT, SIGPIPE, SIGTSTP, SIGRTMIN, SIGRTMAX}) ::signal(signal, SIG_IGN);
    ::signal(SIGUSR1, handle);
    ::signal(SIGTERM, SIG_DFL);
    for (const bool on_reaper : {false, true}) {
      Command command = reporter().die_with_parent(on_reaper);
      EXPECT_EQ(signals_of(report_of(command), "SigIgn"), 0u);
      const Report report = report_of(command.keep_ignored_signals(true));
      EXPECT_EQ(report.at("SigIgn"), own_status("SigIgn"));
      EXPECT_EQ(signals_of(report, "SigIgn") & (bit(SIGPIPE) | bit(SIGUSR1) | bit(SIGTERM)), bit(SIGPIPE));
      EXPECT_EQ(signals_of(report, "SigBlk"), 0u);
    }
  });
}

TEST(SpawnSignals, AnIgnoredOneDoesNotEndTheChild) {
  run_isolated_unchecked([] {
    ::signal(SIGHUP, SIG_IGN);
    Command command = Command::shell("kill -HUP $$; exit 6");
    EXPECT_EQ(Child::spawn(command).value().wait().value(), ExitStatus::signaled(Signal::hangup(), false));
    EXPECT_EQ(Child::spawn(command.keep_ignored_signals(true)).value().wait().value(), ExitStatus::exited(6));
  });
}

std::string blocked_of(const Command& command) { return report_of(command).at("SigBlk"); }

void block(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, &set, nullptr), 0);
}

TEST(SpawnSignals, TheMaskIsThatOfTheThreadThatSpawnsWhereThatIsAskedFor) {
  run_isolated_unchecked([] {
    block({SIGUSR1, SIGTERM, SIGRTMAX});
    for (const bool on_reaper : {false, true}) {
      const Command command = reporter().die_with_parent(on_reaper);
      EXPECT_EQ(blocked_of(command), "0000000000000000");
      EXPECT_EQ(blocked_of(Command(command).keep_signal_mask(true)), own_status("SigBlk"));
      EXPECT_EQ(signals_of(report_of(Command(command).keep_signal_mask(true)), "SigIgn"), 0u);
      std::thread([command] {
        block({SIGUSR2, SIGINT});
        const Report report = report_of(Command(command).keep_signal_mask(true));
        EXPECT_EQ(signals_of(report, "SigBlk"), bit(SIGUSR2) | bit(SIGINT));
      }).join();
    }
    block({});
    EXPECT_EQ(blocked_of(reporter().keep_signal_mask(true)), "0000000000000000");
  });
}

}  // namespace
}  // namespace warden::test_support
