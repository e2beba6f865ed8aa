// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/reference/handshake.h"

#include <openssl/evp.h>

#include <cstdint>
#include <cstring>

namespace amicale::reference {

size_t answer_upgrade(std::string_view request, std::string& out) {
  const size_t end = request.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  constexpr std::string_view name = "Sec-WebSocket-Key: ";
  const size_t at = request.find(name);
  std::string key;
  if (at < end) key = request.substr(at + name.size(), request.find('\r', at) - at - name.size());
  key += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455, section 1.3
  unsigned char digest[20];
  unsigned size = 0;
  EVP_Digest(key.data(), key.size(), digest, &size, EVP_sha1(), nullptr);
  unsigned char accept[32];
  EVP_EncodeBlock(accept, digest, static_cast<int>(size));
  out.append("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
  out.append("Sec-WebSocket-Accept: ").append(reinterpret_cast<char*>(accept)).append("\r\n\r\n");
  return end + 4;
}

size_t unmask_frame(char* bytes, size_t have, std::string_view& payload) {
  if (have < 6) return 0;
  const auto* at = reinterpret_cast<const uint8_t*>(bytes);
  size_t size = at[1] & 0x7f;
  size_t head = 2;
  if (size == 126) {
    if (have < 8) return 0;
    size = size_t{at[2]} << 8 | at[3];
    head = 4;
  }
  if (have < head + 4 + size) return 0;
  const char* mask = bytes + head;
  char* text = bytes + head + 4;
  for (size_t i = 0; i < size; ++i) text[i] ^= mask[i & 3];
  payload = {text, size};
  return head + 4 + size;
}

void append_frame_head(std::string& out, size_t size) {
  out += static_cast<char>(0x82);
  if (size < 126) {
    out += static_cast<char>(size);
  } else {
    out += static_cast<char>(126);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size);
  }
}

bool is_join(std::string_view payload, unsigned& room) {
  if (payload.size() != 5 || payload[0] != 'J') return false;
  room = 0;
  for (int i = 4; i > 0; --i) room = room << 8 | static_cast<uint8_t>(payload[i]);
  return true;
}

}  // namespace amicale::reference
