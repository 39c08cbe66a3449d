// Reads the tool's JSON report with a parser that is not the tool's own writer.
#ifndef WARDEN_TEST_TOOL_JSON_REPORT_H_
#define WARDEN_TEST_TOOL_JSON_REPORT_H_

#include <boost/json.hpp>
#include <string>
#include <vector>

namespace warden::test_support {

// Returns the report after it has checked every field: all names and no others; types; words; null only where a value
// is absent; times that never go back. A wrong field fails the test. REQUIRES: the text is the whole file: one line
// with one object.
boost::json::object parse_report(const std::string& text);

// Returns each attempt as "interrupt send_signal SIGINT group ok", with "-" for null.
std::vector<std::string> steps(const boost::json::object& report);

// Returns the signals that were sent, without SIGCONT: "SIGINT group".
std::vector<std::string> sent(const boost::json::object& report);

// Returns a JSON text as a value, for comparisons.
boost::json::value json(const std::string& text);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_TOOL_JSON_REPORT_H_
