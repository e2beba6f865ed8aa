// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "bench/load/driver.h"

namespace amicale::load {

// nats-server over WebSocket, its text protocol in binary frames. A room is a subject, without history and without an answer
// to a post. Where nobody follows (W3) the room's subject belongs to a JetStream stream on file, and each post is answered
// when the stream has it (which by default does not wait for the disk).
class NatsDriver : public Driver {
 public:
  using Driver::Driver;

  void prepare(const Plan& plan) override;
  // A subject's messages keep the order of each author; authors are not ordered among themselves.
  bool ordered() const override { return false; }
  bool answers() const override { return !plan_.follow; }
  void begin(Link& link) override;
  size_t take(Link& link, std::string_view bytes, Traffic& traffic) override;
  void post(Link& link, std::string_view text) override;

 private:
  size_t take_lines(Link& link, std::string_view bytes, Traffic& traffic);
  void send(Link& link, std::string_view lines);

  Plan plan_;
  // By link: the beginning of a protocol line whose end is in the next frame.
  std::vector<std::string> halves_;
  std::string scratch_;
};

}  // namespace amicale::load
