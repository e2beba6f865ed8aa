// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "bench/load/driver.h"

namespace amicale::load {

// redis over RESP3. Rooms whose members follow are channels (PUBLISH, nothing is kept); a plan without followers posts into
// streams (XADD), whose answer means "on the disk" when the server runs with appendfsync always. No accounts, no rules.
class RedisDriver : public Driver {
 public:
  explicit RedisDriver(Target target);

  void prepare(const Plan& plan) override { follow_ = plan.follow; }
  void begin(Link& link) override;
  size_t take(Link& link, std::string_view bytes, Traffic& traffic) override;
  void post(Link& link, std::string_view text) override;

 private:
  void take_answer(Link& link, std::string_view answer, Traffic& traffic);
  bool follow_ = true;
};

}  // namespace amicale::load
