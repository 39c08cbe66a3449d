#include "test/support/process_snapshot.h"

#include <chrono>

#include "test/support/process_setting.h"

namespace warden::test_support {
namespace {

using warden::testing::internal::find_leaks;
using warden::testing::internal::ProcessCensus;

std::string text_of(int number) { return std::to_string(number); }
const std::string& text_of(const std::string& name) { return name; }

// Something that was there before has changed.
template <class Map>
void compare_old(const std::string& what, const Map& before, const Map& after, std::vector<std::string>* found) {
  for (const auto& [key, value] : before) {
    const auto now = after.find(key);
    if (now == after.end()) {
      found->push_back("missing " + what + text_of(key) + " (" + value + ")");
    } else if (now->second != value) {
      found->push_back("changed " + what + text_of(key) + " (" + value + " became " + now->second + ")");
    }
  }
}

}  // namespace

ProcessSnapshot ProcessSnapshot::take() {
  ProcessSnapshot taken;
  static_cast<ProcessCensus&>(taken) = ProcessCensus::take();
  taken.setting = process_setting();
  return taken;
}

std::vector<std::string> differences(const ProcessSnapshot& before, const ProcessSnapshot& after) {
  ProcessCensus childless = before;
  childless.children.clear();
  childless.has_child = false;
  std::vector<std::string> found = find_leaks(childless, after);
  compare_old("descriptor ", before.descriptors, after.descriptors, &found);
  compare_old("", before.setting, after.setting, &found);
  for (const auto& [name, value] : after.setting) {
    if (before.setting.count(name) == 0) found.push_back("extra " + name + " (" + value + ")");
  }
  return found;
}

std::vector<std::string> differences_once_settled(const ProcessSnapshot& before) {
  wait_for_threads(before, std::chrono::seconds(10));
  return differences(before, ProcessSnapshot::take());
}

}  // namespace warden::test_support
