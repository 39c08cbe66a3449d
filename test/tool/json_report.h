// Reading the tool's JSON report with a parser that is not the tool's own writer.
#ifndef WARDEN_TEST_TOOL_JSON_REPORT_H_
#define WARDEN_TEST_TOOL_JSON_REPORT_H_

#include <boost/json.hpp>
#include <string>
#include <vector>

namespace warden::test_support {

// The report, of which every field has been checked: the names, all of them and no others; types;
// words; null where and only where a value is absent; times that never go back. What is wrong fails
// the test. REQUIRES: the text is the whole file: one line with one object.
boost::json::object parse_report(const std::string& text);

// Each attempt, "interrupt send_signal SIGINT group ok", with "-" for null.
std::vector<std::string> steps(const boost::json::object& report);

// The signals that were sent, without SIGCONT: "SIGINT group".
std::vector<std::string> sent(const boost::json::object& report);

// A JSON text as a value, to compare with.
boost::json::value json(const std::string& text);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_TOOL_JSON_REPORT_H_
