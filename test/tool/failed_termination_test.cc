// A program that the tool cannot end, and a group of which somebody stays: what the report says. The tool may send no
// signal, or no SIGKILL.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "test/support/child_probe.h"
#include "test/support/isolated.h"
#include "test/support/seccomp_filter.h"
#include "test/tool/json_report.h"
#include "test/tool/tool_process.h"

namespace warden::test_support {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

// The program dies with the tool.
ToolResult run_without_signals(const Arguments& flags) {
  if (!refuse_system_calls({{SYS_pidfd_send_signal, EPERM}, {SYS_kill, EPERM}})) return {};
  Arguments all = {"--timeout=50ms", "--name=nap"};
  all.insert(all.end(), flags.begin(), flags.end());
  return run_tool(run_child(all, {"sleep"}));
}

TEST(FailedTermination, IsSaidInTheTextWithItsReason) {
  run_isolated_unchecked([] {
    const ToolResult result = run_without_signals({});
    EXPECT_EQ(result.exit_code, 125);
    EXPECT_THAT(result.err,
                MatchesRegex("warden: 'nap' \\(pid [0-9]+\\) timed out; not ended: Operation not permitted; "
                             "[0-9]+ \\(test_child\\), state [^\n]*; after [^\n]*s\n\\[1\\] [^\n]*\n.*"));
    EXPECT_THAT(result.err, HasSubstr("kill send_signal SIGKILL to group: failed: Operation not permitted"));
    EXPECT_THAT(result.err, Not(HasSubstr("still there")));
  });
}

TEST(FailedTermination, IsAnErrorWithoutAStatusInTheJson) {
  run_isolated_unchecked([] {
    const ToolResult result = run_without_signals({"--report=json"});
    EXPECT_EQ(result.exit_code, 125);
    const boost::json::object report = parse_report(result.err);
    EXPECT_EQ(report.at("status"), json("null"));
    EXPECT_THAT(report.at("error").as_string().c_str(), HasSubstr("Operation not permitted; "));
    EXPECT_EQ(report.at("ended_by"), json("null"));
    EXPECT_EQ(report.at("forced"), json("false"));
    EXPECT_EQ(report.at("timed_out"), json("true"));
    EXPECT_EQ(report.at("survivors"), json("[]"));
    EXPECT_THAT(sent(report), ElementsAre("SIGINT group", "SIGTERM group", "SIGKILL group"));
    for (const boost::json::value& attempt : report.at("attempts").as_array()) {
      if (attempt.at("operation") != json(R"("send_signal")")) continue;
      EXPECT_EQ(attempt.at("result"), json(R"("failed")"));
      EXPECT_EQ(attempt.at("errno"), json("1"));
      EXPECT_EQ(attempt.at("errno_name"), json(R"("EPERM")"));
    }
  });
}

// The SIGKILL of the first termination is refused, and that of a later one is not.
TEST(FailedTermination, IsNotSaidWhereAFurtherSignalHasEndedTheProgram) {
  run_isolated_unchecked([] {
    const auto is = RefusedCall::When::kArgumentIs;
    const RefusedOnce filter({{SYS_pidfd_send_signal, EPERM, is, SIGKILL, 1}, {SYS_kill, EPERM, is, SIGKILL, 1}}, 0);
    ToolProcess tool(run_child({"--report=json", "--terminate-timeout=10ms"}, {"stubborn"}));
    ASSERT_TRUE(tool.out().wait_for("ready"));
    const Pidfd process(tool.pid());
    while (!process.is_dead()) {
      tool.send(SIGTERM);
      std::this_thread::yield();
    }
    const ToolResult result = tool.wait();
    EXPECT_EQ(result.exit_code, 128 + SIGTERM);
    const boost::json::object report = parse_report(result.err);
    EXPECT_EQ(report.at("status").at("signal"), json(R"("SIGKILL")"));
    EXPECT_EQ(report.at("error"), json("null"));
    EXPECT_EQ(report.at("forced"), json("true"));
  });
}

// A program whose leader ends, while a member of its group survives SIGTERM. Nothing may send SIGKILL by the usual
// calls.
class UnkillableMember {
 public:
  UnkillableMember(Arguments flags, const Arguments& leader) {
    if (!refuse_kills()) return;
    flags.insert(flags.end(), {"--name=pair", "--terminate-timeout=30ms"});
    Arguments mode = {"fork", "stubborn", "--"};
    mode.insert(mode.end(), leader.begin(), leader.end());
    tool_ = std::make_unique<ToolProcess>(run_child(flags, mode));
  }

  // Waits until both are ready.
  void wait_ready() {
    int ready = 0;
    while (ready < 2 && read_line()) {
      if (line_ == "ready" || line_ == "child ready") ++ready;
    }
    EXPECT_EQ(ready, 2);
  }
  void send(int signal) { tool_->send(signal); }
  std::string member() const { return std::to_string(member_); }

  // Waits for the tool, and then kills the member, which holds the tool's streams.
  ToolResult finish() {
    EXPECT_TRUE(Pidfd(tool_->pid()).wait_dead());
    while (member_ < 0 && read_line()) {
    }
    if (member_ > 0) {
      const Pidfd member(member_);
      ::syscall(SYS_tgkill, member_, member_, SIGKILL);
      EXPECT_TRUE(member.wait_dead());
    }
    return tool_->wait();
  }

 private:
  static bool refuse_kills() {
    const auto is = RefusedCall::When::kArgumentIs;
    return refuse_system_calls({{SYS_pidfd_send_signal, EPERM, is, SIGKILL, 1}, {SYS_kill, EPERM, is, SIGKILL, 1}});
  }

  // False at the end.
  bool read_line() {
    line_ = tool_->out().wait_line();
    if (line_.compare(0, 7, "forked ") == 0) member_ = ::atoi(line_.c_str() + 7);
    return !line_.empty() && line_ != "(timeout)";
  }

  std::unique_ptr<ToolProcess> tool_;
  std::string line_;
  int member_ = -1;
};

TEST(FailedTerminationOfAGroup, AfterASignalIsSaidInTheTextWithTheStatusAndWhoIsLeft) {
  run_isolated_unchecked([] {
    UnkillableMember group({}, {"sleep"});
    group.wait_ready();
    group.send(SIGTERM);
    const ToolResult result = group.finish();
    const std::string member = group.member();
    EXPECT_EQ(result.exit_code, 125);
    EXPECT_THAT(result.err, MatchesRegex("warden: 'pair' \\(pid [0-9]+\\) SIGTERM received; killed by SIGTERM; "
                                         "its group was not ended: Operation not permitted; " +
                                         member + " \\(test_child\\), state [^\n]*; after [^\n]*s\n" +
                                         "still there: " + member + " \\(test_child\\)\n\\[1\\] .*"));
  });
}

// The leader stays until the timeout, and then ends by SIGTERM alone.
TEST(FailedTerminationOfAGroup, AfterATimeoutIsInTheJsonWithTheStatusAndWhoIsLeft) {
  run_isolated_unchecked([] {
    std::string member;
    ToolResult result;
    const auto were_ready = [&result] {
      return ("\n" + result.out).find("\nready\n") != std::string::npos &&
             result.out.find("child ready\n") != std::string::npos;
    };
    for (absl::Duration timeout = absl::Milliseconds(100); !were_ready(); timeout *= 3) {
      ASSERT_LT(timeout, kBound);
      UnkillableMember group(
          {"--timeout=" + absl::FormatDuration(timeout), "--interrupt-timeout=10ms", "--report=json"},
          {"ignore", "INT", "handle", "TERM", "4"});
      result = group.finish();
      member = group.member();
    }
    EXPECT_EQ(result.exit_code, 125);
    const boost::json::object report = parse_report(result.err);
    EXPECT_EQ(report.at("status"), json(R"({"kind":"exited","code":4,"signal":null,"core_dumped":false})"));
    EXPECT_THAT(report.at("error").as_string().c_str(), HasSubstr(member + " (test_child), state "));
    EXPECT_EQ(report.at("timed_out"), json("true"));
    EXPECT_EQ(report.at("ended_by"), json("null"));
    EXPECT_EQ(report.at("survivors"), json(R"([{"pid":)" + member + R"(,"program":"test_child"}])"));
  });
}

}  // namespace
}  // namespace warden::test_support
