// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdexcept>
#include <string>

#include "bench/load/amicale_driver.h"
#include "bench/load/bare_driver.h"
#include "bench/load/driver.h"
#include "bench/peers/drivers.h"

namespace amicale::load {

std::unique_ptr<Driver> make_driver(std::string_view name, Target target) {
  if (name == "amicale") return std::make_unique<AmicaleDriver>(std::move(target));
  if (name == "bare") return std::make_unique<BareDriver>(std::move(target));
  if (auto driver = peers::make_driver(name, std::move(target))) return driver;
  throw std::runtime_error("no driver is called " + std::string(name) +
                           "; there are amicale, bare and those of bench/peers/drivers.h");
}

}  // namespace amicale::load
