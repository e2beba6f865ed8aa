// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/websocket.h"

#include <stdexcept>

namespace amicale::load {
namespace {

// The mask defends proxies against scripts, not us: it must differ, not be secret.
uint32_t next_mask() {
  static uint32_t state = 0x9e3779b9;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

}  // namespace

void append_upgrade(std::string& out, std::string_view host, std::string_view path,
                    std::string_view protocol) {
  out.append("GET ").append(path).append(" HTTP/1.1\r\nHost: ").append(host);
  out.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
  out.append("Sec-WebSocket-Key: YW1pY2FsZSBsb2FkISEhIQ==\r\nSec-WebSocket-Version: 13\r\n");
  if (!protocol.empty()) out.append("Sec-WebSocket-Protocol: ").append(protocol).append("\r\n");
  out.append("\r\n");
}

size_t upgrade_answer(std::string_view bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  if (!bytes.starts_with("HTTP/1.1 101"))
    throw std::runtime_error("the upgrade was refused: " +
                             std::string(bytes.substr(0, bytes.find('\r'))));
  return end + 4;
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload) {
  const size_t size = payload.size();
  out += static_cast<char>(0x80 | static_cast<uint8_t>(opcode));
  if (size < 126) {
    out += static_cast<char>(0x80 | size);
  } else if (size < 65536) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size);
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>(static_cast<uint64_t>(size) >> shift);
  }
  const uint32_t mask = next_mask();
  char bytes[4];
  std::memcpy(bytes, &mask, 4);
  out.append(bytes, 4);
  const size_t from = out.size();
  out.append(payload);
  for (size_t i = 0; i < size; ++i) out[from + i] ^= bytes[i & 3];
}

}  // namespace amicale::load
