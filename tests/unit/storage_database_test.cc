// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/database.h"

#include <fcntl.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "storage/big_endian.h"
#include "storage/rebuild.h"
#include "storage/upgrade.h"
#include "storage/verify.h"
#include "tests/unit/storage_site.h"

namespace amicale::storage {

namespace fs = std::filesystem;
using storage_test::commit;
using storage_test::options_in;
using storage_test::tell_everything;
using storage_test::TempFolder;

namespace {

const auto club = PartitionId::club(1);

void record_format(Database& database, uint32_t format) {
  Batch batch(database);
  std::string value;
  append_be(value, format);
  batch.put(Family::meta, "format", value);
  database.write(batch);
}

std::string refusal(const DatabaseOptions& options) {
  try {
    const Database database(options);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a data folder keeps everything, its epoch and its count of commits") {
  const TempFolder folder;
  uint64_t epoch = 0;
  uint64_t commits = 0;
  Digest state;
  {
    Database database(options_in(folder.path()));
    tell_everything(database);
    epoch = database.epoch();
    commits = database.commits();
    state = state_hash(database);
    CHECK(epoch != 0);
    CHECK(database.writable());
    CHECK(database.has_space());
    CHECK(database.sizes().disk_bytes > 0);
  }
  Database database(options_in(folder.path()));
  CHECK(database.epoch() == epoch);
  CHECK(database.commits() == commits);
  CHECK(state_hash(database) == state);
  CHECK(View(database).partitions().size() == 5);
}

TEST_CASE("two data folders have two epochs") {
  const TempFolder folder;
  const Database one(options_in(folder / "one"));
  const Database two(options_in(folder / "two"));
  CHECK(one.epoch() != two.epoch());
}

TEST_CASE("opening what must exist does not make it") {
  const TempFolder folder;
  auto options = options_in(folder / "none");
  options.mode = DatabaseOptions::Mode::open;
  CHECK_THROWS_AS(Database{options}, Error);
  CHECK_FALSE(fs::exists(folder / "none"));
}

TEST_CASE("a folder that another process has open is refused in words") {
  const TempFolder folder;
  const Database database(options_in(folder.path()));
  CHECK(refusal(options_in(folder.path())).find("another process has") == 0);
}

TEST_CASE("a newer data format is refused, naming both versions, and nothing is touched") {
  const TempFolder folder;
  {
    Database database(options_in(folder.path()));
    tell_everything(database);
    record_format(database, kFormat + 3);
  }
  std::set<std::string> before;
  for (const auto& file : fs::recursive_directory_iterator(folder.path())) {
    before.insert(file.path().string());
  }
  CHECK_THROWS_AS(Database{options_in(folder.path())}, NewerFormat);
  const auto words = refusal(options_in(folder.path()));
  CHECK(words.find("format " + std::to_string(kFormat + 3)) != std::string::npos);
  CHECK(words.find("up to " + std::to_string(kFormat)) != std::string::npos);
  std::set<std::string> after;
  for (const auto& file : fs::recursive_directory_iterator(folder.path())) {
    after.insert(file.path().string());
  }
  CHECK(before == after);
}

TEST_CASE("an older format is upgraded: its steps in order, then every row by replay") {
  const TempFolder folder;
  Database database(options_in(folder.path()));
  tell_everything(database);
  const auto state = state_hash(database);
  {
    Batch batch(database);  // rows as an older release would have left them
    batch.erase(Family::state, key::membership(8, 1));
    batch.put(Family::state, "Zold", std::string_view("a row that no longer exists"));
    database.write(batch);
  }
  static std::string ran;
  ran.clear();
  const UpgradeStep steps[] = {{2, "second", [](Database&) { ran += "2"; }},
                               {1, "first", [](Database&) { ran += "1"; }},
                               {3, "not yet", [](Database&) { ran += "3"; }}};
  upgrade(database, 1, 3, steps, {});
  CHECK(ran == "12");
  CHECK(state_hash(database) == state);
  std::string format;
  View(database).get(Family::meta, "format", format);
  CHECK(ByteReader(format).take<uint32_t>() == 3);
}

TEST_CASE("an interrupted rebuild starts again when the folder is opened") {
  const TempFolder folder;
  Digest state;
  {
    Database database(options_in(folder.path()));
    tell_everything(database);
    state = state_hash(database);
    Batch batch(database);
    batch.put(Family::meta, "rebuild", std::string_view("1"));
    batch.erase(Family::state, key::club(1));
    batch.erase(Family::messages, key::message(club, 1, 1));
    database.write(batch);
  }
  Database database(options_in(folder.path()));
  CHECK(state_hash(database) == state);
  std::string flag;
  CHECK_FALSE(View(database).get(Family::meta, "rebuild", flag));
}

TEST_CASE("several batches are one commit") {
  const TempFolder folder;
  Database database(options_in(folder.path()));
  Batch one(database);
  Batch two(database);
  commit(one, PartitionId::site(), {{"site_created { name: 'A' }"}});
  commit(two, PartitionId::account(1), {{"profile_changed { display_name: 'B' }"}});
  const auto before = database.commits();
  Batch* const both[] = {&one, &two};
  database.write(both);
  CHECK(database.commits() == before + 1);
  CHECK(View(database).site().name() == "A");
  CHECK(View(database).head(PartitionId::account(1)).seq() == 1);
}

TEST_CASE("many threads write side by side, and every commit of each is there in order") {
  const TempFolder folder;
  constexpr uint64_t threads = 4;
  constexpr uint64_t each = 50;
  {
    Database database(options_in(folder.path()));
    std::vector<std::jthread> writers;
    for (uint64_t t = 1; t <= threads; ++t) {
      writers.emplace_back([&database, t] {
        const auto mine = PartitionId::account(t);
        for (uint64_t i = 0; i < each; ++i) {
          commit(database, mine, {{"token_revoked { token_id: " + std::to_string(i) + " }"}});
        }
      });
    }
    writers.clear();
    CHECK(database.commits() <= threads * each);
  }
  Database database(options_in(folder.path()));
  for (uint64_t t = 1; t <= threads; ++t) {
    CHECK(View(database).head(PartitionId::account(t)).seq() == each);
  }
  CHECK(verify(database).good());
}

TEST_CASE("the ballast holds its space, is given back on a nearly full disk and made again") {
  const TempFolder folder;
  auto options = options_in(folder.path());
  {
    const Database database(options);
  }
  CHECK(fs::file_size(folder / "ballast") == options.ballast_bytes);
  // A floor above what any disk has: as full as can be.
  options.floor_bytes = 1ull << 62;
  {
    const Database database(options);
    CHECK_FALSE(fs::exists(folder / "ballast"));
    CHECK_FALSE(database.has_space());
  }
  options = options_in(folder.path());
  const Database database(options);
  CHECK(fs::exists(folder / "ballast"));
}

TEST_CASE("a folder with data files but without CURRENT is not taken for a new one") {
  const TempFolder folder;
  {
    Database database(options_in(folder.path()));
    tell_everything(database);
  }
  fs::remove(folder / "rows" / "CURRENT");
  CHECK_THROWS_AS(Database{options_in(folder.path())}, AcknowledgedLost);
  fs::remove(folder / "END");
  CHECK(refusal(options_in(folder.path())).find("CURRENT is missing") != std::string::npos);
}

}  // namespace amicale::storage
