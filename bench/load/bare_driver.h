// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "bench/load/driver.h"

namespace amicale::load {

// The language of bench/reference's servers: a binary message 'J' and four bytes of room number joins, and comes back as
// 'J'; any other goes to everyone in the room, its author included, as it is. No accounts, no answers, no history.
class BareDriver : public Driver {
 public:
  explicit BareDriver(Target target);

  void prepare(const Plan&) override {}
  bool answers() const override { return false; }
  void begin(Link& link) override;
  size_t take(Link& link, std::string_view bytes, Traffic& traffic) override;
  void post(Link& link, std::string_view text) override;
};

}  // namespace amicale::load
