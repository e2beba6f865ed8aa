// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A real data folder in a temporary place, and commits in a line each.
#pragma once

#include <google/protobuf/text_format.h>
#include <stdlib.h>

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/append.h"
#include "storage/database.h"
#include "storage/view.h"

namespace amicale::storage_test {

class TempFolder {
 public:
  TempFolder() {
    std::string name = (parent() / "amicale-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  // In memory where there is room: these tests fsync thousands of times and never cut the power.
  static std::filesystem::path parent() {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code none;
    const auto space = std::filesystem::space(memory, none);
    if (!none && space.available > (256u << 20)) return memory;
    return std::filesystem::temp_directory_path();
  }

  std::filesystem::path path_;
};

inline storage::DatabaseOptions options_in(const std::filesystem::path& folder) {
  storage::DatabaseOptions options;
  options.folder = folder;
  options.ballast_bytes = 1 << 20;
  options.floor_bytes = 2 << 20;
  return options;
}

template <class Message>
Message text(const std::string& fields) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(fields, &message)) {
    throw std::runtime_error("not a " + message.GetTypeName() + ": " + fields);
  }
  return message;
}

// An event in protobuf's text form with what goes beside it.
struct Said {
  std::string event;
  std::string private_part = "";
  storage::Audience audience = {storage::kEveryFollower, 0};
};

inline v1::Committed commit(storage::Batch& batch, storage::PartitionId partition,
                            const std::vector<Said>& said, const storage::Origin& origin = {}) {
  std::vector<v1::Event> events;
  std::vector<store::PrivatePart> parts;
  for (const auto& one : said) {
    events.push_back(text<v1::Event>(one.event));
    parts.push_back(text<store::PrivatePart>(one.private_part));
  }
  std::vector<storage::NewEntry> entries;
  for (size_t i = 0; i < said.size(); ++i) {
    entries.push_back({events[i], said[i].audience, parts[i]});
  }
  auto head = storage::View(batch).head(partition);
  storage::EventRun run;
  return storage::append(batch, partition, head, entries, origin, run);
}

inline v1::Committed commit(storage::Database& database, storage::PartitionId partition,
                            const std::vector<Said>& said, const storage::Origin& origin = {}) {
  storage::Batch batch(database);
  auto committed = commit(batch, partition, said, origin);
  database.write(batch);
  return committed;
}

// A site with a club (1) of two members (7, 8), a room (1), messages, a direct conversation (7, 8),
// devices, marks, invitations, an edit, a deletion, reactions and pins: every kind of event.
void tell_everything(storage::Database& database);

// `count` messages by account 7 in room 1 of club 1, one commit each.
inline void post(storage::Database& database, uint64_t first_number, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) {
    const auto number = std::to_string(first_number + i);
    commit(database, storage::PartitionId::club(1),
           {{"actor: 7 time_ms: 50 message_posted { room_id: 1 number: " + number +
             " body: 'message " + number + "' }"}});
  }
}

}  // namespace amicale::storage_test
