// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace amicale::load {

// Walks the fields of one serialised message without parsing what it is not asked about. For the generator's hot path, where
// a delivery may cost some ten nanoseconds. Throws std::runtime_error on what is no message.
class FieldScan {
 public:
  explicit FieldScan(std::string_view bytes)
      : at_(reinterpret_cast<const uint8_t*>(bytes.data())), end_(at_ + bytes.size()) {}

  // Moves to the next field; false at the end.
  bool next() {
    if (at_ == end_) return false;
    const uint64_t tag = varint();
    number_ = static_cast<uint32_t>(tag >> 3);
    switch (tag & 7) {
      case 0: value_ = varint(); break;
      case 1: skip(8); break;
      case 2: {
        const uint64_t size = varint();
        const auto* begin = at_;
        skip(size);
        bytes_ = {reinterpret_cast<const char*>(begin), size};
        break;
      }
      case 5: skip(4); break;
      default: throw std::runtime_error("a field of no known wire type");
    }
    return true;
  }

  uint32_t number() const { return number_; }
  // Of a varint field.
  uint64_t value() const { return value_; }
  // Of a length-delimited field.
  std::string_view bytes() const { return bytes_; }

 private:
  uint64_t varint() {
    if (at_ != end_ && *at_ < 0x80) return *at_++;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (at_ == end_) break;
      const uint8_t byte = *at_++;
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return value;
    }
    throw std::runtime_error("a varint without end");
  }
  void skip(uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - at_))
      throw std::runtime_error("a field beyond its message");
    at_ += size;
  }

  const uint8_t* at_;
  const uint8_t* end_;
  uint32_t number_ = 0;
  uint64_t value_ = 0;
  std::string_view bytes_;
};

}  // namespace amicale::load
