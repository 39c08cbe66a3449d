#include "test/support/spawn_helpers.h"

#include <sys/stat.h>

#include "gtest/gtest.h"
#include "test/support/ack_pipe.h"

namespace warden::test_support {

Report report_of(Command command, const std::vector<std::string>& arguments) {
  AckPipe ack;
  command.args({"--ack=" + std::to_string(kReportFd), "report"}).args(arguments);
  command.inherit_fd(ack.write_fd(), kReportFd);
  Result<Child, SpawnError> child = Child::spawn(command);
  if (!child) {
    ADD_FAILURE() << child.error();
    return {};
  }
  ack.close_write();
  Report report = ack.read_report();
  const Result<ExitStatus, WaitError> status = child.value().wait();
  EXPECT_TRUE(status.has_value() && status.value().success());
  report["spawned pid"] = std::to_string(child.value().pid());
  return report;
}

std::string open_descriptors(const Report& report) {
  std::map<int, bool> numbers;
  for (const auto& [key, value] : report) {
    if (key.compare(0, 3, "fd.") == 0) numbers[std::stoi(key.substr(3))] = true;
  }
  numbers.erase(kReportFd);
  std::string text;
  for (const auto& [fd, open] : numbers) text += (text.empty() ? "" : " ") + std::to_string(fd);
  return text;
}

std::string file_of(const Report& report, int fd) {
  const auto found = report.find("fd." + std::to_string(fd));
  return found == report.end() ? "closed" : found->second.substr(0, found->second.find(' '));
}

std::string file_of(int fd) {
  struct stat info = {};
  if (::fstat(fd, &info) != 0) return "closed";
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
}

SpawnError error_of(const Command& command) {
  Result<Child, SpawnError> child = Child::spawn(command);
  if (!child) return child.error();
  ADD_FAILURE() << "the spawn succeeded";
  EXPECT_TRUE(child.value().kill().has_value());
  return {};
}

}  // namespace warden::test_support
