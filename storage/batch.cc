// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/batch.h"

#include <google/protobuf/message_lite.h>

#include <cstring>

namespace amicale::storage {

Batch::Batch(const Database& database)
    : database_(&database), contents_(std::make_unique<Contents>()) {}

void Batch::clear() { contents_ = std::make_unique<Contents>(); }

Batch::Change& Batch::change(Family family, std::string_view key) {
  auto& changes = contents_->families[static_cast<size_t>(family)];
  contents_->bytes += key.size();
  // Logs and messages grow at their end: no search then.
  auto at = changes.end();
  if (!changes.empty() && key <= changes.rbegin()->first) {
    at = changes.lower_bound(key);
    if (at->first == key) return at->second;
  }
  auto* kept = static_cast<char*>(contents_->arena.allocate(key.size(), 1));
  std::memcpy(kept, key.data(), key.size());
  return changes.emplace_hint(at, std::string_view(kept, key.size()), Change())->second;
}

char* Batch::room_for(Change& change, size_t size) {
  if (size > change.capacity) {
    change.data = static_cast<char*>(contents_->arena.allocate(size, 1));
    change.capacity = static_cast<uint32_t>(size);
  }
  change.size = static_cast<uint32_t>(size);
  change.erased = false;
  contents_->bytes += size;
  return change.data;
}

void Batch::put(Family family, std::string_view key, std::string_view value) {
  char* to = room_for(change(family, key), value.size());
  // The value may lie in this very batch.
  if (!value.empty()) std::memmove(to, value.data(), value.size());
}

void Batch::put(Family family, std::string_view key, const google::protobuf::MessageLite& row) {
  char* to = room_for(change(family, key), row.ByteSizeLong());
  row.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(to));
}

void Batch::erase(Family family, std::string_view key) {
  auto& erased = change(family, key);
  erased.erased = true;
  erased.size = 0;
}

}  // namespace amicale::storage
