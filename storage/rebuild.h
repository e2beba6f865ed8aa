// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include "storage/database.h"

namespace amicale::storage {

// Drops every derived row and makes it again by replaying the logs. Nothing else may use the database
// meanwhile. Interrupted, it starts again by itself when the folder is next opened.
// Throws Error when a log is damaged; the derived rows then stay incomplete and the folder unusable
// until it is restored.
void rebuild(Database& database, const Progress& progress = {});

// Replays the logs that `from` sees into `into`, which has no derived rows yet, through `apply`.
void replay(const class View& from, Database& into, const Progress& progress);

}  // namespace amicale::storage
