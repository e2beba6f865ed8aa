// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Integers as keys and entries hold them, and a cursor that reads hostile bytes without ever passing
// their end.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace amicale::storage {

template <std::unsigned_integral T>
constexpr T big_endian(T value) {
  if constexpr (std::endian::native == std::endian::little) return std::byteswap(value);
  return value;
}

template <std::unsigned_integral T>
void append_be(std::string& out, T value) {
  const T swapped = big_endian(value);
  char bytes[sizeof(T)];
  std::memcpy(bytes, &swapped, sizeof(T));
  out.append(bytes, sizeof(T));
}

// Takes fields off the front. Once anything was missing, `ok()` is false for good and every value
// that was or will be read is zero or empty.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T take() {
    T value{};
    const auto bytes = take_bytes(sizeof(T));
    bytes.copy(reinterpret_cast<char*>(&value), bytes.size());
    return big_endian(value);
  }

  std::string_view take_bytes(size_t size) {
    if (!ok_ || rest_.size() < size) {
      ok_ = false;
      return {};
    }
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }
  bool ended() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace amicale::storage
