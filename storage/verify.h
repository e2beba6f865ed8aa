// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/database.h"
#include "storage/digest.h"
#include "storage/hex.h"

namespace amicale::storage {

struct VerifyReport {
  uint64_t partitions = 0;
  uint64_t entries = 0;
  uint64_t rows = 0;
  std::string state_hash;  // of the derived rows, 64 hexadecimal digits
  std::vector<std::string>
      problems;  // at most 20, the first of each kind first; each names its key
  bool good() const { return problems.empty(); }
};

// Reads everything: each log dense, chained and ending at its head row; the end mark; then replays
// every log into a scratch database inside the data folder and compares each derived row both ways.
// Works on a snapshot while the server goes on. Never throws for what it finds wrong in the data.
VerifyReport verify(Database& database, const Progress& progress = {});

// SHA-256 over every derived row in key order: equal for equal states, whatever the history of the
// files. (Promise: a state rebuilt from its logs has the same hash.)
Digest state_hash(const Database& database);

}  // namespace amicale::storage
