// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/signing_key.h"

#include <sys/stat.h>

#include "amicale/client/audit.h"
#include "storage/backup.h"
#include "storage/error.h"
#include "storage/files.h"
#include "tests/unit/storage_site.h"

namespace amicale::storage {

namespace fs = std::filesystem;
using storage_test::TempFolder;

namespace {

mode_t mode_of(const fs::path& file) {
  struct stat facts{};
  REQUIRE(::stat(file.c_str(), &facts) == 0);
  return facts.st_mode & 0777;
}

}  // namespace

TEST_CASE("the site's key is made once, for its owner alone, and is the same at the next start") {
  const TempFolder folder;
  const auto made = SigningKey::load_or_create(folder.path(), 5);
  CHECK(mode_of(folder / "audit.key") == 0600);
  CHECK(made.public_key().size() == 32);
  REQUIRE(made.keys().size() == 1);
  CHECK(made.keys()[0].since_ms() == 5);
  const auto again = SigningKey::load_or_create(folder.path(), 6);
  CHECK(again.public_key() == made.public_key());
  CHECK(again.sign("words") == made.sign("words"));
}

TEST_CASE("a rotation hands over: who trusts the old key follows to the new one") {
  const TempFolder folder;
  const auto first = SigningKey::load_or_create(folder.path(), 5);
  const auto second = SigningKey::rotate(folder.path(), 6);
  const auto third = SigningKey::rotate(folder.path(), 7);
  CHECK(mode_of(folder / "audit.key") == 0600);
  CHECK(first.public_key() != second.public_key());
  const auto loaded = SigningKey::load_or_create(folder.path(), 8);
  CHECK(loaded.public_key() == third.public_key());
  CHECK(loaded.keys().size() == 3);
  CHECK(client::is_handed_over(loaded.keys(), first.public_key(), third.public_key()));
  CHECK(client::is_handed_over(loaded.keys(), second.public_key(), third.public_key()));
  CHECK_FALSE(client::is_handed_over(loaded.keys(), third.public_key(), first.public_key()));
  auto forged = loaded.keys();
  forged[1].set_since_ms(1);
  CHECK_FALSE(client::is_handed_over(forged, first.public_key(), third.public_key()));
}

TEST_CASE("a rotation that was cut short has happened or has not") {
  const TempFolder folder;
  const auto first = SigningKey::load_or_create(folder.path(), 5);
  const auto old_secret = *read_file(folder / "audit.key");
  const auto old_keys = *read_file(folder / "audit.keys");
  const auto second = SigningKey::rotate(folder.path(), 6);
  // As it stood before the list of keys was written: the new secret counts for nothing.
  fs::rename(folder / "audit.key", folder / "audit.key.next");
  write_file(folder / "audit.key", old_secret);
  const auto new_keys = *read_file(folder / "audit.keys");
  write_file(folder / "audit.keys", old_keys);
  const auto next = *read_file(folder / "audit.key.next");
  CHECK(SigningKey::load_or_create(folder.path(), 7).public_key() == first.public_key());
  CHECK_FALSE(fs::exists(folder / "audit.key.next"));
  // And after it: the new secret counts.
  write_file(folder / "audit.key.next", next);
  write_file(folder / "audit.keys", new_keys);
  CHECK(SigningKey::load_or_create(folder.path(), 7).public_key() == second.public_key());
}

TEST_CASE("a key that can't be trusted is refused, and the file is named") {
  const TempFolder folder;
  SigningKey::load_or_create(folder.path(), 5);
  const auto words = [&] {
    try {
      SigningKey::load_or_create(folder.path(), 6);
      return std::string();
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  fs::permissions(folder / "audit.key", fs::perms::group_read, fs::perm_options::add);
  CHECK(words().find("audit.key may be read by others") != std::string::npos);
  fs::permissions(folder / "audit.key", fs::perms::group_read, fs::perm_options::remove);
  CHECK(words().empty());
  const auto keys = *read_file(folder / "audit.keys");
  for (size_t i = 0; i < 64; i += 7) {
    auto damaged = keys;
    damaged[i] = damaged[i] == '0' ? '1' : '0';
    write_file(folder / "audit.keys", damaged);
    CHECK(words().find("audit.key") != std::string::npos);
  }
  write_file(folder / "audit.keys", keys + "rubbish");
  CHECK(words().find("damaged at line 2") != std::string::npos);
  fs::remove(folder / "audit.keys");
  CHECK(words().find("audit.keys is missing") != std::string::npos);
  write_file(folder / "audit.keys", keys);
  fs::remove(folder / "audit.key");
  CHECK(words().find("audit.key is missing") != std::string::npos);
}

TEST_CASE("a backup carries the key, and so does what is restored from it") {
  const TempFolder folder;
  std::string key;
  {
    Database database(storage_test::options_in(folder / "data"));
    storage_test::tell_everything(database);
    key = SigningKey::load_or_create(database.folder(), 5).public_key();
    backup(database, folder / "copy");
  }
  CHECK(mode_of(folder / "copy" / "audit.key") == 0600);
  restore(folder / "copy", folder / "new");
  CHECK(SigningKey::load_or_create(folder / "new", 6).public_key() == key);
  CHECK(mode_of(folder / "new" / "audit.key") == 0600);
}

}  // namespace amicale::storage
