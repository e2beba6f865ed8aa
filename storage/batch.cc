// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/batch.h"

#include <google/protobuf/message_lite.h>
#include <rocksdb/utilities/write_batch_with_index.h>

#include "storage/rocks.h"

namespace amicale::storage {

namespace {

void check(const rocksdb::Status& status) {
  if (!status.ok()) throw Error("can't collect a change: " + status.ToString());
}

}  // namespace

Batch::Batch(const Database& database)
    : database_(&database),
      changes_(std::make_unique<rocksdb::WriteBatchWithIndex>(rocksdb::BytewiseComparator(), 0,
                                                              /*overwrite_key=*/true)) {}

Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;

void Batch::put(Family family, std::string_view key, std::string_view value) {
  check(changes_->Put(database_->rocks().family(family), slice(key), slice(value)));
}

void Batch::put(Family family, std::string_view key, const google::protobuf::MessageLite& row) {
  scratch_.clear();
  row.AppendToString(&scratch_);
  put(family, key, scratch_);
}

void Batch::erase(Family family, std::string_view key) {
  check(changes_->Delete(database_->rocks().family(family), slice(key)));
}

bool Batch::empty() const { return changes_->GetWriteBatch()->Count() == 0; }

size_t Batch::bytes() const { return changes_->GetWriteBatch()->GetDataSize(); }

void Batch::clear() { changes_->Clear(); }

}  // namespace amicale::storage
