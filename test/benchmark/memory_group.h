// The memory of some processes as the kernel counts it for them alone, its own included.
#ifndef WARDEN_TEST_BENCHMARK_MEMORY_GROUP_H_
#define WARDEN_TEST_BENCHMARK_MEMORY_GROUP_H_

#include <string>

namespace warden::benchmark {

// A memory cgroup (cgroups(7), either version) that this process and all that it starts are in while this object lives.
// It gives up where none can be made.
class MemoryGroup {
 public:
  MemoryGroup();
  ~MemoryGroup();
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  double kib() const;

 private:
  std::string parent_;
  std::string directory_;
};

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_MEMORY_GROUP_H_
