// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The client's half of RFC 6455, as little as a load generator needs: no fragments, no extensions, pings answered by the
// driver. Written apart from the server and its libraries.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace amicale::load {

enum class Opcode : uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

struct Frame {
  Opcode opcode;
  std::string_view payload;
  size_t size;  // with its header
};

// The request that turns an HTTP connection into a WebSocket; `protocol` may be empty.
void append_upgrade(std::string& out, std::string_view host, std::string_view path,
                    std::string_view protocol);
// How many bytes the answer to it has, 0 while it is not all there. Throws std::runtime_error when it is not a 101.
size_t upgrade_answer(std::string_view bytes);

// One masked frame, as a client must send it.
void append_frame(std::string& out, Opcode opcode, std::string_view payload);

// The frame at the front of `bytes`, as a server sends it (unmasked). False while it is not all there. Throws on a fragment.
inline bool next_frame(std::string_view bytes, Frame& frame) {
  if (bytes.size() < 2) return false;
  const auto* at = reinterpret_cast<const uint8_t*>(bytes.data());
  uint64_t size = at[1] & 0x7f;
  size_t header = 2;
  if (size == 126) {
    if (bytes.size() < 4) return false;
    size = uint64_t{at[2]} << 8 | at[3];
    header = 4;
  } else if (size == 127) {
    if (bytes.size() < 10) return false;
    uint64_t wide;
    std::memcpy(&wide, at + 2, 8);
    size = __builtin_bswap64(wide);
    header = 10;
  }
  if (bytes.size() - header < size) return false;
  frame = {static_cast<Opcode>(at[0] & 0x0f), bytes.substr(header, size), header + size};
  return true;
}

}  // namespace amicale::load
