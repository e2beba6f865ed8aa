// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What goes wrong.
#include "tests/simulation/world.h"

namespace amicale::simulation {

void World::plan_faults() {
  for (auto faults = stage_.dice.below(25); faults > 0; --faults) {
    stage_.agenda.in(stage_.dice.between(0, 38'000), [this] {
      if (!stage_.calm) fault();
    });
  }
}

void World::cut_somebody() {
  if (wires_.empty()) return;
  Wire& wire = *stage_.dice.pick(wires_);
  const auto kept = stage_.dice.below(wire.under_way() + 1);
  stage_.say("wire {} is cut, {} of {} bytes arrive", wire.id(), kept, wire.under_way());
  wire.cut(kept);
}

void World::fault() {
  Dice& dice = stage_.dice;
  ++count_.faults;
  const int64_t now = stage_.clock.steady_ms();
  const auto kind = dice.below(100);
  if (kind < 25) {
    // One, or everybody at once.
    for (auto cuts = dice.one_in(5) ? wires_.size() : 1; cuts > 0; --cuts) cut_somebody();
  } else if (kind < 40) {
    if (wires_.empty()) return;
    Wire& wire = *dice.pick(wires_);
    const int64_t until = now + (dice.one_in(6) ? 90'000 : dice.between(100, 9'000));
    stage_.say("wire {} takes nothing for {} ms", wire.id(), until - now);
    wire.stall(until);
  } else if (kind < 52) {
    if (wires_.empty()) return;
    Wire& wire = *dice.pick(wires_);
    stage_.say("wire {} becomes slow", wire.id());
    wire.slow(dice.between(50, 900));
  } else if (kind < 64) {
    disk_.crash_in = static_cast<int>(dice.below(12));
    stage_.say("the machine will crash in {} writes", disk_.crash_in);
  } else if (kind < 68) {
    stage_.say("the machine crashes");
    restart_server(/*crash=*/true);
  } else if (kind < 73) {
    disk_.sync_fails_in = static_cast<int>(dice.below(6));
    stage_.say("the sync of a write will fail, in {} writes", disk_.sync_fails_in);
  } else if (kind < 79) {
    if (!site_) return;
    stage_.say("the server drains");
    site_->drain();
    stage_.agenda.in(dice.between(100, 5'000), [this] { restart_server(/*crash=*/false); });
  } else if (kind < 86) {
    disk_.slow_until_ms = now + dice.between(500, 5'000);
    stage_.say("the disk is slow");
  } else if (kind < 93) {
    if (!site_) return;
    // The blocking threads, more often than a shard.
    const auto runner = dice.chance(70) ? site_->shard_count()
                                        : static_cast<unsigned>(dice.below(site_->shard_count()));
    stage_.say("runner {} of {} is busy", runner, site_->shard_count() + 1);
    keep_busy(runner, dice.between(100, 4'000));
  } else {
    constexpr int64_t hour = 3'600'000;
    const std::vector<int64_t> walls = {stage_.clock.now_ms() + dice.between(-48, 48) * hour, 0,
                                        (1ll << 31) * 1'000 - 5'000, 1'790'000'000'000};
    stage_.clock.set_wall(dice.pick(walls));
    stage_.say("the clock jumps to {}", stage_.clock.now_ms());
  }
}

}  // namespace amicale::simulation
