// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/opening.h"

#include <rocksdb/cache.h>
#include <rocksdb/sst_file_reader.h>

#include <algorithm>

#include "storage/big_endian.h"
#include "storage/end_mark.h"
#include "storage/file_system.h"
#include "storage/files.h"

namespace amicale::storage {

namespace fs = std::filesystem;

std::string commit_slot_key(uint64_t commit) {
  std::string key = "commit/";
  append_be(key, static_cast<uint16_t>(commit % kCommitSlots));
  return key;
}

std::string encode_commit(uint64_t commit, const Digest& hash) {
  std::string value;
  append_be(value, commit);
  value.append(bytes_of(hash));
  return value;
}

std::optional<Commit> decode_commit(std::string_view value) {
  ByteReader reader(value);
  Commit commit{reader.take<uint64_t>(), {}};
  const auto hash = reader.take_bytes(commit.hash.size());
  if (!reader.ended()) return std::nullopt;
  hash.copy(commit.hash.data(), commit.hash.size());
  return commit;
}

namespace {

fs::path rows_of(const DatabaseOptions& options) { return options.folder / kRowsFolder; }

// "000071" → "71".
std::string number_in(const std::string& name) {
  const auto first = name.find_first_not_of('0');
  return first == std::string::npos ? "0" : name.substr(first);
}

// What is wrong with a data file as a whole, or empty: its end, where all is described, and the number under
// which it was written, which tells when it holds another file's content.
std::string wrong_with(rocksdb::SstFileReader& reader, const fs::path& file) {
  if (const auto status = reader.Open(file.string()); !status.ok()) return status.ToString();
  const auto number = std::to_string(reader.GetTableProperties()->orig_file_number);
  if (number == number_in(file.stem().string())) return {};
  return "it is the content of data file " + number;
}

// Refuses a database with a data file that is not what it should be. RocksDB opens only some of them at
// the start, and what it says of the others when they are read has no name in it.
void check_data_files(rocksdb::DB& db) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  for (const auto& file : files) {
    const fs::path path = file.db_path + "/" + fs::path(file.name).filename().string();
    rocksdb::SstFileReader reader{rocksdb::Options()};
    const auto wrong = wrong_with(reader, path);
    if (wrong.empty()) continue;
    // A compaction may have replaced it meanwhile: then it is nobody's any more.
    std::vector<rocksdb::LiveFileMetaData> now;
    db.GetLiveFilesMetaData(&now);
    if (std::ranges::none_of(now, [&](const auto& live) { return live.name == file.name; }))
      continue;
    throw Error("can't open " + path.string() + ": " + wrong);
  }
}

// The data files that can't be read or are another's content. RocksDB says what is wrong with one, and
// often not with which.
std::string damaged_data_files(const DatabaseOptions& options) {
  std::string list;
  for (const auto& file : fs::directory_iterator(rows_of(options))) {
    if (file.path().extension() != ".sst") continue;
    rocksdb::SstFileReader reader{rocksdb::Options()};
    const bool good = wrong_with(reader, file.path()).empty() && reader.VerifyChecksum().ok();
    if (!good) list += (list.empty() ? "" : ", ") + file.path().filename().string();
  }
  return list;
}

[[noreturn]] void refuse(const DatabaseOptions& options, const rocksdb::Status& status,
                         const LineLogger& logger) {
  std::string why = status.ToString();
  // "While lock file: …" and "lock hold by current process"; a block's checksum has nothing to do with it.
  if (why.find("lock file: ") != std::string::npos ||
      why.find("lock hold by") != std::string::npos) {
    throw Error("another process has " + options.folder.string() + " open");
  }
  // Of a data file that is missing RocksDB tries an older name last, and reports that one.
  for (size_t at = 0; (at = why.find(".ldb", at)) != std::string::npos;) why.replace(at, 4, ".sst");
  std::string text = "can't open " + rows_of(options).string() + ": " + why;
  if (const auto damage = logger.last_damage(); !damage.empty()) text += " (" + damage + ")";
  if (status.IsCorruption()) {
    if (const auto files = damaged_data_files(options); !files.empty()) {
      text += "; damaged: " + files;
    }
  }
  const auto current = rows_of(options) / "CURRENT";
  auto manifest = read_file(current).value_or("");
  while (manifest.ends_with('\n')) manifest.pop_back();
  if (manifest.empty() || !fs::exists(rows_of(options) / manifest)) {
    text += "; damaged: " + current.string() + ", which names no manifest that is there";
  }
  throw Error(text);
}

// The write-ahead files that are there, for the message that says which are not enough.
std::string write_ahead_files(const DatabaseOptions& options) {
  std::vector<std::string> names;
  for (const auto& file : fs::directory_iterator(rows_of(options))) {
    if (file.path().extension() == ".log") names.push_back(file.path().filename());
  }
  std::sort(names.begin(), names.end());
  if (names.empty()) return "no write-ahead file (*.log) is left";
  std::string list = "write-ahead files there:";
  for (const auto& name : names) list += " " + name;
  return list;
}

bool holds_data_files(const fs::path& rows) {
  if (!fs::exists(rows)) return false;
  return std::ranges::any_of(fs::directory_iterator(rows), [](const auto& file) {
    return file.path().extension() == ".sst" || file.path().extension() == ".log";
  });
}

std::unique_ptr<Database::Rocks> open_rocks(const DatabaseOptions& options, bool create) {
  auto rocks = std::make_unique<Database::Rocks>();
  rocks->logger = std::make_shared<LineLogger>(options.on_line);
  rocks->cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  rocks->files = make_file_system();
  auto how = database_options(options, rocks->logger, *rocks->files);
  how.create_if_missing = create;
  how.create_missing_column_families = true;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    families.emplace_back(std::string(name_of(family)),
                          family_options(family, options, rocks->cache));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  auto status = rocksdb::DB::Open(how, rows_of(options).string(), families, &handles, &db);
  if (!status.ok() && status.IsNoSpace()) {
    std::error_code ignored;
    if (fs::remove(options.folder / kBallastFile, ignored)) {
      status = rocksdb::DB::Open(how, rows_of(options).string(), families, &handles, &db);
    }
  }
  if (!status.ok()) refuse(options, status, *rocks->logger);
  rocks->db.reset(db);
  std::copy(handles.begin(), handles.end(), rocks->families.begin());
  if (!options.accept_loss) check_data_files(*db);
  return rocks;
}

void write_facts(Database::Rocks& rocks, const FolderFacts& facts) {
  rocksdb::WriteBatch batch;
  auto* meta = rocks.family(Family::meta);
  std::string format;
  append_be(format, facts.format);
  batch.Put(meta, "format", format);
  batch.Put(meta, "epoch", key::u64(facts.epoch));
  batch.Put(meta, "commit", encode_commit(0, Digest{}));
  rocksdb::WriteOptions how;
  how.sync = true;
  auto status = rocks.db->Write(how, &batch);
  // Out of the write-ahead file at once: if that is ever lost, the folder can still say what it is.
  if (status.ok()) status = rocks.db->Flush(rocksdb::FlushOptions(), meta);
  if (!status.ok()) throw Error("can't write the first record: " + status.ToString());
}

Opened create_folder(const DatabaseOptions& options) {
  if (holds_data_files(rows_of(options))) {
    throw Error(rows_of(options).string() + " holds data files but CURRENT is missing");
  }
  fs::create_directories(rows_of(options));
  // Hashes of passwords and every word said: for the server's own user alone, whatever the umask.
  fs::permissions(options.folder, fs::perms::owner_all);
  Opened opened;
  opened.rocks = open_rocks(options, /*create=*/true);
  opened.facts.format = kFormat;
  while (opened.facts.epoch == 0) {
    fill_random(reinterpret_cast<char*>(&opened.facts.epoch), sizeof opened.facts.epoch);
  }
  write_facts(*opened.rocks, opened.facts);
  if (options.durable) {
    EndMark::create(options.folder / kEndFile, {opened.facts.epoch, 0, Digest{}});
    // The folder's own name must survive a power cut as well.
    sync_folder(options.folder.parent_path());
  }
  return opened;
}

// What is wrong between the mark and the database, in words; empty = nothing.
std::string compare(const DatabaseOptions& options, const std::optional<EndMarkValue>& mark,
                    const FolderFacts& facts) {
  const auto end = (options.folder / kEndFile).string();
  if (!mark) {
    return end + " is missing or damaged: nothing proves that the " + std::to_string(facts.commit) +
           " commits found are all that were acknowledged";
  }
  if (mark->epoch != facts.epoch) return end + " belongs to another data folder or epoch";
  if (facts.commit < mark->commit) {
    return rows_of(options).string() + " lacks commits " + std::to_string(facts.commit + 1) +
           " to " + std::to_string(mark->commit) + ", which " + end +
           " says were acknowledged; a file was cut, deleted or set back (" +
           write_ahead_files(options) + ")";
  }
  if (mark->commit > 0 && facts.hash_at_mark && *facts.hash_at_mark != mark->hash) {
    return "commit " + std::to_string(mark->commit) + " in " + rows_of(options).string() +
           " is not the one that " + end + " says was acknowledged";
  }
  return {};
}

}  // namespace

FolderFacts inspect(const DatabaseOptions& options, uint64_t mark_commit) {
  Database::Rocks rocks;
  rocks.logger = std::make_shared<LineLogger>(options.on_line);
  rocks.cache = rocksdb::NewLRUCache(1 << 20);
  rocks.files = make_file_system();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::OpenForReadOnly(
      database_options(options, rocks.logger, *rocks.files), rows_of(options).string(),
      {{std::string(name_of(Family::meta)), family_options(Family::meta, options, rocks.cache)}},
      &handles, &db);
  if (!status.ok()) refuse(options, status, *rocks.logger);
  rocks.db.reset(db);
  rocks.families[0] = handles[0];
  const auto read = [&](std::string_view key) -> std::optional<std::string> {
    std::string value;
    const auto got = db->Get({}, handles[0], slice(key), &value);
    if (got.IsNotFound()) return std::nullopt;
    if (!got.ok()) refuse(options, got, *rocks.logger);
    return value;
  };
  FolderFacts facts;
  if (const auto format = read("format")) facts.format = ByteReader(*format).take<uint32_t>();
  if (const auto epoch = read("epoch")) facts.epoch = key::parse_u64(*epoch).value_or(0);
  if (const auto value = read("commit")) {
    if (const auto commit = decode_commit(*value)) {
      facts.commit = commit->number;
      facts.hash = commit->hash;
    }
  }
  facts.rebuilding = read("rebuild").has_value();
  if (const auto value = read(commit_slot_key(mark_commit))) {
    const auto commit = decode_commit(*value);
    if (commit && commit->number == mark_commit) facts.hash_at_mark = commit->hash;
  }
  return facts;
}

Opened open_folder(const DatabaseOptions& options) {
  const auto end = options.folder / kEndFile;
  const auto current = rows_of(options) / "CURRENT";
  if (fs::exists(options.folder / kRestoreFolder)) {
    throw Error("a restore into " + options.folder.string() +
                " was interrupted: empty the folder and restore again");
  }
  const bool may_create = options.mode == DatabaseOptions::Mode::open_or_create;
  if (!fs::exists(current)) {
    if (fs::exists(end)) {
      throw AcknowledgedLost(current.string() + " is missing, and " + end.string() +
                             " says that there was data");
    }
    if (!may_create) throw Error(options.folder.string() + " is not a data folder");
    return create_folder(options);
  }

  const auto mark = EndMark::read(end);
  Opened opened;
  opened.facts = inspect(options, mark ? mark->commit : 0);
  if (opened.facts.format > kFormat) {
    throw NewerFormat(options.folder.string() + " has data format " +
                      std::to_string(opened.facts.format) + "; this release reads up to " +
                      std::to_string(kFormat) + ": install the newer release again");
  }
  if (opened.facts.format == 0 || opened.facts.epoch == 0) {
    // The process died between making RocksDB's files and writing the first record.
    if (!fs::exists(end) && opened.facts.commit == 0 && may_create) {
      fs::remove_all(rows_of(options));
      return create_folder(options);
    }
    throw AcknowledgedLost(rows_of(options).string() + " has no format record, and " +
                           end.string() + " says that there was data");
  }
  if (options.durable) {
    const bool just_created = !fs::exists(end) && opened.facts.commit == 0;
    const auto wrong = just_created ? std::string() : compare(options, mark, opened.facts);
    if (!wrong.empty() && !options.accept_loss) throw AcknowledgedLost(wrong);
    opened.accepted_loss = !wrong.empty();
    // A start on a full disk: RocksDB needs a few blocks for a new manifest and write-ahead file.
    if (free_bytes_at(options.folder) < options.floor_bytes / 2) {
      std::error_code ignored;
      fs::remove(options.folder / kBallastFile, ignored);
    }
    if (just_created || opened.accepted_loss) {
      EndMark::create(end, {opened.facts.epoch, opened.facts.commit, opened.facts.hash});
    }
  }
  opened.rocks = open_rocks(options, /*create=*/false);
  return opened;
}

}  // namespace amicale::storage
