// SHA-256 (FIPS 180-4) in pieces: the checksum of nacre's files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "nacre/base/api.h"

namespace nacre {

class NACRE_API Sha256 {
 public:
  Sha256() noexcept;
  // Adds bytes; may be called any number of times.
  Sha256& update(const void* data, std::size_t size) noexcept;
  Sha256& update(std::string_view text) noexcept { return update(text.data(), text.size()); }
  // Hash of everything added so far. More may be added afterwards.
  [[nodiscard]] std::array<std::uint8_t, 32> digest() const noexcept;
  // The digest as 64 lower-case hexadecimal digits.
  [[nodiscard]] std::string hex() const;

 private:
  std::uint32_t state_[8];
  std::uint8_t block_[64];
  std::uint64_t size_ = 0;  // bytes added
};

}  // namespace nacre
