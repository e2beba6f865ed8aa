// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/bare_driver.h"

#include <stdexcept>

#include "bench/load/websocket.h"

namespace amicale::load {
namespace {
enum Stage : uint32_t { upgrading, live };
}

BareDriver::BareDriver(Target target) : Driver(std::move(target)) {}

void BareDriver::begin(Link& link) {
  link.stage = upgrading;
  append_upgrade(link.out, target_.host, "/", "");
}

size_t BareDriver::take(Link& link, std::string_view bytes, Traffic& traffic) {
  size_t used = 0;
  if (link.stage == upgrading) {
    used = upgrade_answer(bytes);
    if (used == 0) return 0;
    link.stage = live;
    std::string join(5, 'J');
    for (int i = 0; i < 4; ++i) join[1 + i] = static_cast<char>(link.room >> (8 * i));
    append_frame(link.out, Opcode::binary, join);
  }
  Frame frame;
  while (next_frame(bytes.substr(used), frame)) {
    used += frame.size;
    if (frame.opcode != Opcode::binary) throw std::runtime_error("not a binary frame");
    if (frame.payload == "J")
      traffic.joined(link);
    else
      traffic.delivered(link, frame.payload);
  }
  return used;
}

void BareDriver::post(Link& link, std::string_view text) {
  append_frame(link.out, Opcode::binary, text);
}

}  // namespace amicale::load
