// SPDX-License-Identifier: AGPL-3.0-or-later
//
// How an older data folder becomes one of today.
//
// The log is the truth and its entries carry a version of their own, so the rule is one: every
// derived row is dropped and made again by replay, under today's `apply`. What replay can't do
// (renaming a key of the log itself) is a step of the table, run before it. The new format number is
// written last: an upgrade that was interrupted starts again.
//
// To change the format: raise kFormat, teach decode_entry the new entry version beside the old ones
// or add a step here, and keep a data folder of the old format for the test.
#pragma once

#include <cstdint>
#include <span>

#include "storage/database.h"

namespace amicale::storage {

struct UpgradeStep {
  uint32_t from;
  const char* what;  // for the operator's log
  void (*run)(Database&);
};

// Steps of this release, by `from`. Empty while the log itself has never changed shape.
std::span<const UpgradeStep> upgrade_steps();

// Brings an open database from format `from` to format `to`. Called by Database itself.
void upgrade(Database& database, uint32_t from, uint32_t to, std::span<const UpgradeStep> steps,
             const Progress& progress);

}  // namespace amicale::storage
