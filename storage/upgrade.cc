// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/upgrade.h"

#include <string>

#include "storage/big_endian.h"
#include "storage/rebuild.h"

namespace amicale::storage {

std::span<const UpgradeStep> upgrade_steps() { return {}; }

void upgrade(Database& database, uint32_t from, uint32_t to, std::span<const UpgradeStep> steps,
             const Progress& progress) {
  for (uint32_t format = from; format < to; ++format) {
    for (const auto& step : steps) {
      if (step.from != format) continue;
      if (progress) progress(step.what, format, to);
      step.run(database);
    }
  }
  rebuild(database, progress);
  Batch batch(database);
  std::string format;
  append_be(format, to);
  batch.put(Family::meta, "format", format);
  database.write(batch);
}

}  // namespace amicale::storage
