// Tests of what holds for each containment.
#ifndef WARDEN_TEST_SUPPORT_EACH_CONTAINMENT_H_
#define WARDEN_TEST_SUPPORT_EACH_CONTAINMENT_H_

#include <string>

#include "gtest/gtest.h"
#include "warden/command.h"
#include "warden/containment.h"

namespace warden::test_support {

class EachContainment : public ::testing::TestWithParam<Containment> {
 protected:
  static Command contained(Command command) { return command.containment(GetParam()); }
  // "SIGINT group", as sent_signals() has it.
  static std::string to_all(const std::string& signal) { return signal + " " + std::string(to_string(GetParam())); }
};

inline std::string name_of_containment(const ::testing::TestParamInfo<Containment>& containment) {
  return containment.param == Containment::kGroup ? "Group" : "Tree";
}

// Beside the tests of a class that derives from it.
#define WARDEN_FOR_EACH_CONTAINMENT(Suite)                                                                 \
  INSTANTIATE_TEST_SUITE_P(Containments, Suite,                                                            \
                           ::testing::Values(::warden::Containment::kGroup, ::warden::Containment::kTree), \
                           ::warden::test_support::name_of_containment)

}  // namespace warden::test_support

#endif  // WARDEN_TEST_SUPPORT_EACH_CONTAINMENT_H_
