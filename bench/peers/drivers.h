// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <string_view>

#include "bench/load/driver.h"

namespace amicale::load::peers {

// The drivers of what Amicale is compared with: redis, nats, xmpp. Nothing for another name.
std::unique_ptr<Driver> make_driver(std::string_view name, Target target);

}  // namespace amicale::load::peers
