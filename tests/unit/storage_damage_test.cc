// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Files that were cut, deleted, set back or flipped: refused or harmless, never silent.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <random>

#include "storage/database.h"
#include "storage/end_mark.h"
#include "storage/verify.h"
#include "tests/unit/storage_site.h"

namespace amicale::storage {

namespace fs = std::filesystem;
using storage_test::options_in;
using storage_test::post;
using storage_test::tell_everything;
using storage_test::TempFolder;

namespace {

// What a kill -9 leaves: the files as they are while the database is open.
void copy_as_killed(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::create_directories(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

std::vector<fs::path> files_with(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> found;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().extension() == extension) found.push_back(file.path());
  }
  std::ranges::sort(found);
  return found;
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void set_content(const fs::path& file, std::string_view content) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

DatabaseOptions plain(const fs::path& folder) {
  auto options = options_in(folder);
  options.ballast_bytes = 0;
  return options;
}

std::string refusal(const fs::path& folder) {
  try {
    const Database database(plain(folder));
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

// A database with 40 posts on top of everything, and a copy of it as killed.
struct Killed {
  Killed() : database(plain(folder / "live")) {
    tell_everything(database);
    post(database, 3, 40);
    copy_as_killed(folder / "live", copy);
    state = state_hash(database);
  }
  TempFolder folder;
  fs::path copy = folder / "copy";
  Database database;
  Digest state;
};

}  // namespace

TEST_CASE_FIXTURE(Killed, "after a kill every acknowledged commit is there") {
  Database again(plain(copy));
  CHECK(again.commits() == database.commits());
  CHECK(state_hash(again) == state);
  CHECK(verify(again).good());
}

TEST_CASE_FIXTURE(Killed, "a deleted write-ahead file is refused, naming what is missing") {
  for (const auto& file : files_with(copy / "rows", ".log")) fs::remove(file);
  CHECK_THROWS_AS(Database{plain(copy)}, AcknowledgedLost);
  const auto words = refusal(copy);
  CHECK(words.find("lacks commits") != std::string::npos);
  CHECK(words.find(std::to_string(database.commits())) != std::string::npos);
  CHECK(words.find("END") != std::string::npos);
}

TEST_CASE_FIXTURE(Killed, "a write-ahead file cut anywhere is refused") {
  const auto file = files_with(copy / "rows", ".log").back();
  const auto whole = content_of(file);
  std::mt19937_64 chance(11);
  for (int round = 0; round < 12; ++round) {
    copy_as_killed(folder / "live", copy);
    const auto keep = chance() % (whole.size() - 1);
    INFO("kept ", keep, " of ", whole.size());
    fs::resize_file(file, keep);
    CHECK_FALSE(refusal(copy).empty());
  }
}

TEST_CASE_FIXTURE(Killed, "an older copy of the whole database under a newer mark is refused") {
  post(database, 43, 5);
  database.settle();
  fs::copy_file(folder / "live" / "END", copy / "END", fs::copy_options::overwrite_existing);
  CHECK_THROWS_AS(Database{plain(copy)}, AcknowledgedLost);
}

TEST_CASE_FIXTURE(Killed, "a missing, damaged or foreign mark is refused, naming it") {
  fs::remove(copy / "END");
  CHECK(refusal(copy).find((copy / "END").string()) != std::string::npos);
  set_content(copy / "END", std::string(8192, 'x'));
  CHECK(refusal(copy).find((copy / "END").string()) != std::string::npos);
  const Database other(plain(folder / "other"));
  fs::copy_file(folder / "other" / "END", copy / "END", fs::copy_options::overwrite_existing);
  CHECK(refusal(copy).find("another data folder") != std::string::npos);
}

TEST_CASE_FIXTURE(Killed, "a mark with another history of the same length is refused") {
  auto value = *EndMark::read(copy / "END");
  value.hash[3] = static_cast<char>(value.hash[3] ^ 1);
  EndMark::create(copy / "END", value);
  CHECK(refusal(copy).find("is not the one") != std::string::npos);
}

TEST_CASE_FIXTURE(Killed, "one damaged slot of the mark leaves the other to compare with") {
  auto bytes = content_of(copy / "END");
  const size_t newest = (EndMark::read(copy / "END")->commit % 2) * 4096;
  bytes[newest + 20] = static_cast<char>(bytes[newest + 20] ^ 1);
  set_content(copy / "END", bytes);
  CHECK(EndMark::read(copy / "END")->commit == database.commits() - 1);
  CHECK(refusal(copy).empty());
}

TEST_CASE_FIXTURE(
    Killed, "a database that is ahead of its mark opens: the mark may be older after a power cut") {
  const auto older = content_of(copy / "END");
  post(database, 43, 5);
  copy_as_killed(folder / "live", copy);
  set_content(copy / "END", older);
  Database again(plain(copy));
  CHECK(again.commits() == database.commits());
  CHECK(EndMark::read(copy / "END")->commit == database.commits());
}

TEST_CASE_FIXTURE(Killed, "the operator can accept a loss: what is left opens under a new epoch") {
  for (const auto& file : files_with(copy / "rows", ".log")) fs::remove(file);
  auto options = plain(copy);
  options.accept_loss = true;
  uint64_t epoch = 0;
  {
    Database again(options);
    epoch = again.epoch();
    CHECK(epoch != database.epoch());
    CHECK(verify(again).good());
  }
  Database later(plain(copy));
  CHECK(later.epoch() == epoch);
}

TEST_CASE_FIXTURE(Killed, "accepting a loss where nothing is lost changes nothing") {
  auto options = plain(copy);
  options.accept_loss = true;
  Database again(options);
  CHECK(again.epoch() == database.epoch());
  CHECK(state_hash(again) == state);
}

TEST_CASE(
    "a CURRENT that names no manifest, and data files that were swapped, are refused by name") {
  const TempFolder folder;
  {
    auto options = plain(folder / "aged");
    options.write_buffer_bytes = 64 << 10;
    Database database(options);
    tell_everything(database);
    post(database, 3, 300);
  }
  copy_as_killed(folder / "aged", folder / "copy");
  set_content(folder / "copy" / "rows" / "CURRENT", "MANIFEST-123456\n");
  CHECK(refusal(folder / "copy").find("CURRENT") != std::string::npos);
  const auto files = files_with(folder / "aged" / "rows", ".sst");
  REQUIRE(files.size() > 1);
  copy_as_killed(folder / "aged", folder / "copy");
  set_content(folder / "copy" / "rows" / files[0].filename(), content_of(files[1]));
  set_content(folder / "copy" / "rows" / files[1].filename(), content_of(files[0]));
  const auto words = refusal(folder / "copy");
  INFO(words);
  CHECK(words.find(files[0].filename().string()) != std::string::npos);
  CHECK(words.find(files[1].filename().string()) != std::string::npos);
}

TEST_CASE("a data file that is gone or garbled is refused by its own name, as nothing else") {
  const TempFolder folder;
  {
    auto options = plain(folder / "aged");
    options.write_buffer_bytes = 64 << 10;
    Database database(options);
    tell_everything(database);
    post(database, 3, 300);
  }
  for (const auto& file : files_with(folder / "aged" / "rows", ".sst")) {
    const auto name = file.filename().string();
    const auto copied = folder / "copy" / "rows" / name;
    copy_as_killed(folder / "aged", folder / "copy");
    fs::remove(copied);
    CHECK(refusal(folder / "copy").find(name) != std::string::npos);
    // Every byte wrong: the footer, whose message has no name, and the blocks, whose message says "block".
    for (const size_t kept : {size_t{0}, size_t{60}}) {
      copy_as_killed(folder / "aged", folder / "copy");
      auto bytes = content_of(copied);
      for (size_t i = 0; i + kept < bytes.size(); ++i) bytes[i] = static_cast<char>(~bytes[i]);
      set_content(copied, bytes);
      auto words = refusal(folder / "copy");
      if (words.empty()) {  // blocks of rows are looked at when they are read
        try {
          Database opened(plain(folder / "copy"));
          for (const auto& problem : verify(opened).problems) words += problem;
        } catch (const Error& error) {  // a compaction after the first opening met the damage
          words += error.what();
        }
      }
      INFO(words);
      CHECK(words.find(name) != std::string::npos);
      CHECK(words.find("another process") == std::string::npos);
    }
  }
}

TEST_CASE("a deleted file, or two that were swapped, is refused, found by verify, or harmless") {
  const TempFolder folder;
  Digest state;
  {
    auto options = plain(folder / "aged");
    options.write_buffer_bytes = 64 << 10;
    Database database(options);
    tell_everything(database);
    post(database, 3, 300);
    state = state_hash(database);
  }
  std::vector<fs::path> files;
  for (const auto& file : fs::recursive_directory_iterator(folder / "aged")) {
    if (file.is_regular_file()) files.push_back(fs::relative(file.path(), folder / "aged"));
  }
  std::ranges::sort(files);
  const auto check = [&](const std::string& what) {
    INFO(what);
    try {
      Database again(plain(folder / "copy"));
      if (verify(again).good()) CHECK(state_hash(again) == state);
    } catch (const Error&) {
    }
  };
  for (size_t i = 0; i < files.size(); ++i) {
    copy_as_killed(folder / "aged", folder / "copy");
    fs::remove(folder / "copy" / files[i]);
    check("without " + files[i].string());
    const auto& other = files[(i + 1) % files.size()];
    copy_as_killed(folder / "aged", folder / "copy");
    fs::rename(folder / "copy" / files[i], folder / "copy" / "kept");
    fs::rename(folder / "copy" / other, folder / "copy" / files[i]);
    fs::rename(folder / "copy" / "kept", folder / "copy" / other);
    check("swapped " + files[i].string() + " and " + other.string());
  }
}

TEST_CASE("a flipped bit or a cut in any file is refused, found by verify, or harmless") {
  const TempFolder folder;
  Digest state;
  uint64_t commits = 0;
  {
    // Small buffers: some rows are in sorted files, the rest in the write-ahead file.
    auto options = plain(folder / "aged");
    options.write_buffer_bytes = 64 << 10;
    Database database(options);
    tell_everything(database);
    post(database, 3, 600);
    state = state_hash(database);
    commits = database.commits();
  }
  REQUIRE_FALSE(files_with(folder / "aged" / "rows", ".sst").empty());
  std::mt19937_64 chance(13);
  std::map<std::string, int> outcomes;
  std::vector<fs::path> files;
  for (const auto& file : fs::recursive_directory_iterator(folder / "aged")) {
    if (file.is_regular_file() && file.file_size() > 0) {
      files.push_back(fs::relative(file.path(), folder / "aged"));
    }
  }
  std::ranges::sort(files);
  for (int round = 0; round < 60; ++round) {
    copy_as_killed(folder / "aged", folder / "copy");
    const auto file = files[static_cast<size_t>(round) % files.size()];
    auto bytes = content_of(folder / "copy" / file);
    const size_t at = chance() % bytes.size();
    std::string what;
    switch (chance() % 4) {
      case 0:
        what = "cut";
        bytes.resize(at);
        break;
      case 1:
        what = "zeroed";
        std::fill_n(bytes.begin() + static_cast<ptrdiff_t>(at),
                    std::min<size_t>(4096, bytes.size() - at), '\0');
        break;
      default: what = "flipped"; bytes[at] = static_cast<char>(bytes[at] ^ (1 << (chance() % 8)));
    }
    set_content(folder / "copy" / file, bytes);
    INFO(file.string(), " ", what, " at ", at);
    std::string outcome = "harmless";
    try {
      Database again(plain(folder / "copy"));
      const auto report = verify(again);
      if (!report.good()) {
        outcome = "found";
      } else {
        CHECK(again.commits() == commits);
        CHECK(state_hash(again) == state);
      }
    } catch (const Error&) {
      outcome = "refused";
    }
    ++outcomes[outcome];
  }
  CHECK(outcomes["refused"] > 0);
}

}  // namespace amicale::storage
