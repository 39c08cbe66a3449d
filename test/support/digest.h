// Compares two texts without having both: FNV-1a, 64 bits.
#ifndef WARDEN_TEST_SUPPORT_DIGEST_H_
#define WARDEN_TEST_SUPPORT_DIGEST_H_

#include <stdint.h>

#include <cstddef>

class Digest {
 public:
  void add(const char* text, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) value_ = (value_ ^ static_cast<unsigned char>(text[i])) * 1099511628211u;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 14695981039346656037u;
};

#endif  // WARDEN_TEST_SUPPORT_DIGEST_H_
