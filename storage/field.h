// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Fields of protobuf messages that are put together from parts which are serialised already.
#pragma once

#include <cstdint>
#include <string>

namespace amicale::storage {

inline void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// What stands before the `size` bytes of a string, bytes or message field.
inline void append_field_head(std::string& out, int number, size_t size) {
  append_varint(out, static_cast<uint64_t>(number) << 3 | 2);
  append_varint(out, size);
}

}  // namespace amicale::storage
