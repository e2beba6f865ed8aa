// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <string_view>

#include "storage/keys.h"

namespace google::protobuf {
class MessageLite;
}

namespace amicale::storage {

class Database;

// Changes that become durable together or not at all, and a view of the database as if they
// already were. Used by one thread at a time; may be handed to another between uses. Outlived by
// its Database. Dropping it unwritten changes nothing.
//
// Sorted maps over one arena, a row changed twice kept once: a third of the cost of RocksDB's
// WriteBatchWithIndex (docs/decisions/0007-own-batch.md).
class Batch {
 public:
  explicit Batch(const Database& database);

  void put(Family family, std::string_view key, std::string_view value);
  void put(Family family, std::string_view key, const google::protobuf::MessageLite& row);
  void erase(Family family, std::string_view key);

  bool empty() const { return contents_->bytes == 0; }
  size_t bytes() const { return contents_->bytes; }  // of keys and values put, overwritten ones too
  void clear();

  const Database& database() const { return *database_; }

  // For this folder. What is to become of one key; the bytes live in the arena.
  struct Change {
    char* data = nullptr;
    uint32_t size = 0;
    uint32_t capacity = 0;
    bool erased = false;

    std::string_view value() const { return {data, size}; }
  };
  using Changes = std::pmr::map<std::string_view, Change>;
  const Changes& changes(Family family) const {
    return contents_->families[static_cast<size_t>(family)];
  }

 private:
  struct Contents {
    std::pmr::monotonic_buffer_resource arena{16 << 10};
    std::array<Changes, kFamilies> families{Changes{&arena}, Changes{&arena}, Changes{&arena},
                                            Changes{&arena}, Changes{&arena}, Changes{&arena}};
    size_t bytes = 0;
  };

  Change& change(Family family, std::string_view key);
  char* room_for(Change& change, size_t size);

  const Database* database_;
  std::unique_ptr<Contents> contents_;
};

}  // namespace amicale::storage
