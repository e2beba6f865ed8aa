// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/audit_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "server/admin/audit_pins.h"
#include "storage/signing_key.h"
#include "tests/unit/storage_site.h"

using namespace amicale;
using namespace amicale::admin;

namespace {

v1::AuditLine key_line(const storage::SigningKey& key) {
  v1::AuditLine line;
  *line.mutable_key() = key.keys().front();
  return line;
}

v1::AuditHead head_of(const storage::SigningKey& key, uint64_t size) {
  v1::AuditHead head;
  head.mutable_stream()->set_kind(v1::STREAM_KIND_CLUB);
  head.mutable_stream()->set_id(7);
  head.set_epoch(1);
  head.set_size(size);
  head.set_root(std::string(32, 'r'));
  head.set_seq(size);
  head.set_entry_hash(std::string(32, 'e'));
  key.sign(head);
  return head;
}

}  // namespace

TEST_CASE("a line of an export comes back as it was, and is written in one way only") {
  const storage_test::TempFolder folder;
  const auto key = storage::SigningKey::load_or_create(folder.path(), 5);
  const auto text = to_audit_line(key_line(key));
  const auto line = from_audit_line(text);
  REQUIRE(line);
  CHECK(line->SerializeAsString() == key_line(key).SerializeAsString());
  CHECK_FALSE(from_audit_line(" " + text));
  CHECK_FALSE(from_audit_line(text + " "));
  CHECK_FALSE(from_audit_line(text + "{}"));
  CHECK_FALSE(from_audit_line("{\"key\":{}, \"key\":{}}"));
  CHECK_FALSE(from_audit_line("{\"unknown\":1}"));
  CHECK_FALSE(from_audit_line(""));
  CHECK_FALSE(from_audit_line(std::string(kAuditLineBytes + 1, ' ')));
}

TEST_CASE(
    "a file that ends in the middle of a line, or has a line too long, is told with its place") {
  const storage_test::TempFolder folder;
  const auto key = storage::SigningKey::load_or_create(folder.path(), 5);
  const auto text = to_audit_line(key_line(key));
  const auto finding = [](const std::string& bytes) {
    std::istringstream in(bytes);
    client::AuditFile file;
    return read_audit(in, file, {});
  };
  const auto cut = finding(text);
  REQUIRE(cut);
  CHECK(cut->line == 1);
  const auto longer = finding(text + "\n" + std::string(kAuditLineBytes + 1, 'x') + "\n");
  REQUIRE(longer);
  CHECK(longer->line == 2);
  const auto alone = finding(text + "\n");
  REQUIRE(alone);
  CHECK(alone->line == 2);
  CHECK(alone->fault == client::AuditFault::Truncated);
}

TEST_CASE(
    "pins are kept for each server, for their owner's next start, and only if they are signed") {
  const storage_test::TempFolder folder;
  const auto key = storage::SigningKey::load_or_create(folder.path(), 5);
  const auto club = client::Stream::club(7);
  {
    AuditPins pins(folder / "console", "wss://one.example");
    CHECK(pins.load_key().empty());
    CHECK_FALSE(pins.load(club));
    pins.save_key(key.public_key());
    pins.save(head_of(key, 3));
    pins.save(head_of(key, 4));
  }
  AuditPins pins(folder / "console", "wss://one.example");
  CHECK(pins.load_key() == key.public_key());
  REQUIRE(pins.load(club));
  CHECK(pins.load(club)->size() == 4);
  CHECK_FALSE(AuditPins(folder / "console", "wss://two.example").load(club));
  auto forged = head_of(key, 9);
  forged.set_size(10);
  pins.save(forged);
  CHECK_FALSE(AuditPins(folder / "console", "wss://one.example").load(club));
}
