// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string_view>

#include "storage/database.h"
#include "storage/view.h"

namespace amicale::storage {

// Drops every derived row and makes it again by replaying the logs. Nothing else may use the database
// meanwhile. Interrupted, it starts again by itself when the folder is next opened.
// Throws Error when a log is damaged; the derived rows then stay incomplete and the folder unusable
// until it is restored.
void rebuild(Database& database, const Progress& progress = {});

// The families that hold derived rows.
inline constexpr Family kDerived[] = {Family::state, Family::messages, Family::idempotency,
                                      Family::tokens};

// What one partition's log came to.
struct Replayed {
  PartitionId partition;
  uint64_t entries = 0;
  std::string problem;  // empty when the log was whole; else rows stop before the entry it names
};

// Replays every log that `from` sees into `into`, which has no derived rows: rows by `apply`, heads
// by counting. Checks density and chain on the way and goes on with the next partition after a break.
// `from` may see `into` itself.
std::vector<Replayed> replay(const View& from, Database& into, const Progress& progress);

}  // namespace amicale::storage
