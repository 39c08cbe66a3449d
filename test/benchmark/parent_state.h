// Loads on a parent, each for the lifetime of an object.
#ifndef WARDEN_TEST_BENCHMARK_PARENT_STATE_H_
#define WARDEN_TEST_BENCHMARK_PARENT_STATE_H_

#include <cstddef>
#include <vector>

namespace warden::benchmark {

// Allocates memory in pages of the ordinary size and writes to each page.
class TouchedHeap {
 public:
  explicit TouchedHeap(std::size_t bytes);
  ~TouchedHeap();
  TouchedHeap(const TouchedHeap&) = delete;
  TouchedHeap& operator=(const TouchedHeap&) = delete;

 private:
  const std::size_t bytes_;
  void* memory_;
};

// Opens files, close-on-exec, on the lowest free numbers.
class OpenFiles {
 public:
  explicit OpenFiles(int count);
  ~OpenFiles();
  OpenFiles(const OpenFiles&) = delete;
  OpenFiles& operator=(const OpenFiles&) = delete;

 private:
  std::vector<int> fds_;
};

// Raises the soft limit on open files to the hard one.
void allow_many_files();

}  // namespace warden::benchmark

#endif  // WARDEN_TEST_BENCHMARK_PARENT_STATE_H_
