// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "server/commands/gate.h"
#include "server/runtime/blocking.h"
#include "server/runtime/shard.h"
#include "server/runtime/spawn.h"

namespace amicale::commands {

// Says in each club, about once a second, which sanctions are over, and that raid mode is. Nothing depends on it: every
// decision is judged by the clock, and whoever asks first after the end is answered as if it had been said; this is so
// that everybody else hears of it too. Lives on one shard; owned by the core. What fails is tried again at the next look.
class Lapses {
 public:
  Lapses(runtime::Shard& shard, Gate& gate, runtime::Blocking& blocking);

  // Starts the once-a-second look.
  void start();
  // That look. Without `start` the owner asks for it, as the simulation does. On the shard.
  void look();
  // After it nothing is under way. On the shard.
  runtime::Task<> stop();

 private:
  runtime::Task<> tick();
  runtime::Task<> say_what_is_over();

  runtime::Shard& shard_;
  Gate& gate_;
  runtime::Blocking& blocking_;
  runtime::TaskGroup tasks_;
  bool looking_ = false;
};

}  // namespace amicale::commands
