// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What verbs share that work on a data folder while no server runs on it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "server/admin/console.h"
#include "storage/database.h"
#include "storage/error.h"

namespace amicale::admin {

// A bar for each stage that the storage reports.
class StageProgress {
 public:
  explicit StageProgress(const Console& console) : console_(console) {}

  storage::Progress function();
  void finish() { bar_.reset(); }

 private:
  const Console& console_;
  std::string stage_;
  std::optional<Progress> bar_;
};

// Runs `work`, which throws storage::Error for what is wrong with the folder.
template <typename Work>
int on_folder(const Console& console, Work work) {
  try {
    return work();
  } catch (const storage::Error& error) {
    return console.fail(error.what(), kRefused);
  } catch (const std::filesystem::filesystem_error& error) {
    return console.fail(error.what(), kRefused);
  }
}

// To open a folder that there is.
storage::DatabaseOptions existing(const std::string& data, StageProgress& stages);

}  // namespace amicale::admin
