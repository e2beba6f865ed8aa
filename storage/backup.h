// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "storage/database.h"

namespace amicale::storage {

struct BackupReport {
  std::filesystem::path path;
  uint64_t commits = 0;  // that the copy holds
  uint64_t entries = 0;  // log entries, all verified in the copy
  uint64_t bytes = 0;
};

// Copies the database to the new folder `target` while it is in use, and proves the copy by opening
// and verifying it. The copy shares no file with the original and is a data folder itself. It is made
// beside `target` under a temporary name and renamed when proven and synced: a `target` that exists
// is complete, whatever was killed when. Refuses a target that exists. Holds every commit that was
// acknowledged before the call.
BackupReport backup(Database& database, const std::filesystem::path& target,
                    const Progress& progress = {});

// Makes `data_folder` (absent or empty) a copy of the backup, verified, with a new epoch, so that
// clients learn that the log may have gone back. No database may be open on either.
BackupReport restore(const std::filesystem::path& backup_folder,
                     const std::filesystem::path& data_folder, const Progress& progress = {});

}  // namespace amicale::storage
