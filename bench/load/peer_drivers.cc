// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/nats_driver.h"
#include "bench/load/redis_driver.h"
#include "bench/load/xmpp_driver.h"
#include "bench/peers/drivers.h"

namespace amicale::load::peers {

std::unique_ptr<Driver> make_driver(std::string_view name, Target target) {
  if (name == "redis") return std::make_unique<RedisDriver>(std::move(target));
  if (name == "nats") return std::make_unique<NatsDriver>(std::move(target));
  if (name == "xmpp") return std::make_unique<XmppDriver>(std::move(target));
  return nullptr;
}

}  // namespace amicale::load::peers
