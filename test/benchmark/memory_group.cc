#include "test/benchmark/memory_group.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "test/benchmark/measure.h"

namespace warden::benchmark {
namespace {

// The directory of this process's memory cgroup: of the first version where that has the memory controller.
std::string current_group() {
  std::ifstream groups("/proc/self/cgroup");
  std::string line, unified;
  while (std::getline(groups, line)) {
    const std::string::size_type path = line.find(':', line.find(':') + 1) + 1;
    if (line.find(":memory:") != std::string::npos) return "/sys/fs/cgroup/memory" + line.substr(path);
    if (line.rfind("0::", 0) == 0) unified = "/sys/fs/cgroup" + line.substr(path);
  }
  return unified;
}

void move_to(const std::string& group) {
  std::ofstream members(group + "/cgroup.procs");
  members << ::getpid() << std::flush;
  require(members.good(), "this process could not change its memory cgroup");
}

}  // namespace

MemoryGroup::MemoryGroup() : parent_(current_group()), directory_(parent_ + "/speed." + std::to_string(::getpid())) {
  require(::mkdir(directory_.c_str(), 0700) == 0, "a memory cgroup could not be made");
  move_to(directory_);
}

MemoryGroup::~MemoryGroup() {
  move_to(parent_);
  require(::rmdir(directory_.c_str()) == 0, "the memory cgroup could not be removed");
}

double MemoryGroup::kib() const {
  double bytes = 0;
  for (const char* const name : {"/memory.usage_in_bytes", "/memory.current"}) {
    std::ifstream(directory_ + name) >> bytes;
    if (bytes > 0) return bytes / 1024;
  }
  give_up("the memory cgroup does not tell its use");
}

}  // namespace warden::benchmark
