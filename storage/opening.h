// SPDX-License-Identifier: AGPL-3.0-or-later
//
// From a folder to an open RocksDB, or a refusal that changed nothing. Included by storage's own .cc
// files only.
#pragma once

#include <memory>

#include "storage/rocks.h"

namespace amicale::storage {

struct Opened {
  std::unique_ptr<Database::Rocks> rocks;
  FolderFacts facts;
  bool accepted_loss = false;
};

// In order: what kind of folder it is; its facts, read without changing anything; format; end mark;
// space; only then RocksDB for writing. Makes the folder when `options` allow it and there is none.
Opened open_folder(const DatabaseOptions& options);

}  // namespace amicale::storage
