// What a test_child says of itself, and the error of a spawn that fails.
#ifndef WARDEN_TEST_SUPPORT_SPAWN_HELPERS_H_
#define WARDEN_TEST_SUPPORT_SPAWN_HELPERS_H_

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "warden/warden.h"

namespace warden::test_support {

using Report = std::map<std::string, std::string>;

// Returns what the child of this command, whose program is test_child under some name, reports about itself
// (test_child_report.cc). The arguments follow those that make it report. The command gets the ack pipe as one more
// descriptor, kReportFd in the child. Fails the test, and returns an empty report, when the child cannot be started.
Report report_of(Command command, const std::vector<std::string>& arguments = {});
inline constexpr int kReportFd = 900;

// Returns the numbers of the child's open descriptors without kReportFd: "0 1 2".
std::string open_descriptors(const Report& report);
// Returns the child's descriptor as "dev:ino"; the other variant one of this process.
std::string file_of(const Report& report, int fd);
std::string file_of(int fd);

// Returns the error of a spawn that has to fail; fails the test, after ending the child, when it succeeds.
SpawnError error_of(const Command& command);

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_SPAWN_HELPERS_H_
