// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/keys.h"

namespace google::protobuf {
class MessageLite;
}
namespace rocksdb {
class WriteBatchWithIndex;
}

namespace amicale::storage {

class Database;

// Changes that become durable together or not at all, and a view of the database as if they
// already were. Used by one thread at a time; may be handed to another between uses. Outlived by
// its Database. Dropping it unwritten changes nothing.
class Batch {
 public:
  explicit Batch(const Database& database);
  ~Batch();
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;

  void put(Family family, std::string_view key, std::string_view value);
  void put(Family family, std::string_view key, const google::protobuf::MessageLite& row);
  void erase(Family family, std::string_view key);

  bool empty() const;
  size_t bytes() const;  // of what it would write, roughly
  void clear();

  const Database& database() const { return *database_; }

 private:
  friend class Database;
  friend class View;
  const Database* database_;
  std::unique_ptr<rocksdb::WriteBatchWithIndex> changes_;
  std::string scratch_;
};

}  // namespace amicale::storage
