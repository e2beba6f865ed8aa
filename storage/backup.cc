// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/backup.h"

#include <rocksdb/utilities/checkpoint.h>

#include "storage/end_mark.h"
#include "storage/files.h"
#include "storage/rocks.h"
#include "storage/signing_key.h"
#include "storage/verify.h"

namespace amicale::storage {

namespace fs = std::filesystem;

namespace {

// The checkpoint takes the write-ahead file as it is: when to flush is Database's own business.
constexpr uint64_t kNeverFlush = ~0ull;

// Removes a folder when its scope ends, unless kept.
class Unfinished {
 public:
  explicit Unfinished(fs::path folder) : folder_(std::move(folder)) { fs::remove_all(folder_); }
  ~Unfinished() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(folder_, ignored);
  }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;

  const fs::path& path() const { return folder_; }
  void keep() { kept_ = true; }

 private:
  fs::path folder_;
  bool kept_ = false;
};

// Real copies, not hard links: a block that rots later must not rot in both.
void copy_rows(const fs::path& from, const fs::path& to, const Progress& progress) {
  const uint64_t total = bytes_in(from);
  uint64_t done = 0;
  fs::create_directories(to);
  for (const auto& file : fs::directory_iterator(from)) {
    if (!file.is_regular_file() || file.path().filename() == "LOCK") continue;
    copy_file_synced(file.path(), to / file.path().filename(), [&](uint64_t bytes) {
      done += bytes;
      if (progress) progress("copying", done, total);
    });
  }
  sync_folder(to);
}

DatabaseOptions copy_options(const fs::path& folder) {
  DatabaseOptions options;
  options.folder = folder;
  options.mode = DatabaseOptions::Mode::open;
  options.block_cache_bytes = 8 << 20;
  options.ballast_bytes = 0;
  options.floor_bytes = 0;
  return options;
}

// Opens the copy as a server would and replays all of it.
BackupReport prove(Database& copy, const Progress& progress) {
  const auto report = verify(copy, progress);
  if (!report.good()) throw Error("the copy is not good: " + report.problems.front());
  BackupReport proven;
  proven.commits = copy.commits();
  proven.entries = report.entries;
  return proven;
}

fs::path without_trailing_slash(const fs::path& path) {
  const auto absolute = fs::absolute(path).lexically_normal();
  return absolute.has_filename() ? absolute : absolute.parent_path();
}

}  // namespace

BackupReport backup(Database& database, const fs::path& wanted, const Progress& progress) {
  const auto target = without_trailing_slash(wanted);
  if (fs::exists(target)) throw Error(target.string() + " exists already");
  if (!database.has_space()) throw Error("too little free space for a backup");
  fs::create_directories(target.parent_path());
  const uint64_t commits_before = database.commits();

  Unfinished partial(target.parent_path() / ("." + target.filename().string() + ".partial"));
  fs::create_directories(partial.path());
  fs::permissions(partial.path(), fs::perms::owner_all);
  {
    const Unfinished checkpoint(database.folder() / kCheckpointFolder);
    rocksdb::Checkpoint* raw = nullptr;
    auto status = rocksdb::Checkpoint::Create(database.rocks().db.get(), &raw);
    const std::unique_ptr<rocksdb::Checkpoint> maker(raw);
    if (status.ok()) status = maker->CreateCheckpoint(checkpoint.path().string(), kNeverFlush);
    if (!status.ok()) throw Error("checkpoint failed: " + status.ToString());
    copy_rows(checkpoint.path(), partial.path() / kRowsFolder, progress);
  }

  const auto options = copy_options(partial.path());
  const auto facts = inspect(options, 0);
  if (facts.commit < commits_before) {
    throw Error("the copy has " + std::to_string(facts.commit) + " commits of " +
                std::to_string(commits_before));
  }
  EndMark::create(partial.path() / kEndFile, {facts.epoch, facts.commit, facts.hash});
  BackupReport report;
  {
    Database copy(options);
    report = prove(copy, progress);
  }
  SigningKey::copy(database.folder(), partial.path());
  report.path = target;
  report.bytes = bytes_in(partial.path());
  sync_folder(partial.path() / kRowsFolder);
  sync_folder(partial.path());
  if (fs::exists(target)) throw Error(target.string() + " exists already");
  fs::rename(partial.path(), target);
  partial.keep();
  sync_folder(target.parent_path());
  return report;
}

BackupReport restore(const fs::path& backup_folder, const fs::path& wanted,
                     const Progress& progress) {
  const auto data = without_trailing_slash(wanted);
  if (!fs::exists(backup_folder / kRowsFolder / "CURRENT")) {
    throw Error(backup_folder.string() + " is not a backup");
  }
  if (fs::exists(data) && !(fs::is_directory(data) && fs::is_empty(data))) {
    throw Error(data.string() + " is not empty");
  }
  fs::create_directories(data);
  fs::permissions(data, fs::perms::owner_all);

  // Inside the data folder, which may be a mount point. While the partial folder exists, and while
  // there are rows without END, the data folder is refused.
  Unfinished partial(data / kRestoreFolder);
  fs::create_directories(partial.path());
  copy_rows(backup_folder / kRowsFolder, partial.path() / kRowsFolder, progress);
  copy_file_synced(backup_folder / kEndFile, partial.path() / kEndFile, {});
  BackupReport report;
  {
    Database copy(copy_options(partial.path()));
    report = prove(copy, progress);
    copy.renew_epoch();
    report.commits = copy.commits();
  }
  SigningKey::copy(backup_folder, data);
  fs::rename(partial.path() / kRowsFolder, data / kRowsFolder);
  sync_folder(data);
  fs::rename(partial.path() / kEndFile, data / kEndFile);
  sync_folder(data);
  fs::remove_all(partial.path());
  sync_folder(data);
  report.path = data;
  report.bytes = bytes_in(data);
  return report;
}

}  // namespace amicale::storage
