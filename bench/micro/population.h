// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A site to measure on, made quickly: the rules decide its clubs, events are appended in large
// commits. What comes out is a data folder like any other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "server/domain/decision.h"
#include "server/domain/state.h"
#include "storage/append.h"
#include "storage/database.h"

namespace amicale::bench {

// What is posted: 120 bytes of text, the length that every workload of bench/ uses.
std::string_view body();

// 16 bytes, different for each `number`.
std::string client_msg_id(std::uint64_t number);

// Such a message, posted.
v1::Event posted();

// The device token of an account of a Population: 32 bytes, known beforehand so that whoever opens
// connections need not log in.
std::string token_of(std::uint64_t account);

// How large a site is. Accounts are numbered from 1, which is the owner; every club has `members`
// active ones among the others, the first of them in the committee. Each club has the rooms of its
// kind; posts are in room 1 of club 1.
struct Shape {
  std::uint64_t accounts = 21;
  std::uint64_t clubs = 1;
  std::uint64_t members = 20;
  std::uint64_t posts = 0;

  std::uint64_t member(std::uint64_t club, std::uint64_t index) const {
    return 2 + ((club - 1) * members + index % members) % (accounts - 1);
  }
};

// The events of a club with `members` members, folded: the state that rules look at.
domain::ClubState club_of(std::uint64_t members);

// Fills a data folder. Owned by whoever fills; writes when enough has come together, and at the end.
class Population {
 public:
  explicit Population(storage::Database& database) : database_(database), batch_(database) {}

  // The site with its accounts and clubs.
  void found(const Shape& shape);
  // More messages in room 1 of a club, by its members in turn.
  void post(std::uint64_t club, std::uint64_t count, const Shape& shape);
  // Makes what is left durable.
  void write();

 private:
  void commit(storage::PartitionId partition, domain::Decision decision);
  void add_account(std::uint64_t account);
  void add_club(std::uint64_t club, const Shape& shape);

  storage::Database& database_;
  storage::Batch batch_;
};

// A folder that goes away with the object, under $AMICALE_BENCH_DIR or the system's temporary one:
// where the disk is a real one, what is measured is real too.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

storage::DatabaseOptions options_in(const std::filesystem::path& folder);

}  // namespace amicale::bench
