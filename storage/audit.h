// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The provable log: every act of those who keep order, as a record in a chain and a leaf of a Merkle tree (RFC 6962), one tree for
// each club and one for the site. audit.proto has the grammar of what is hashed.
//
// Records and tree rows are written by `apply`, in the batch of the act itself; they follow from the log alone, so that `rebuild`
// makes them again and `verify` compares them. A record commits to who acted, to whom and what, by salts that are drawn from the
// salt of the log entry: what is not opened can't be found by trying, and what is erased leaves the record as it was.
//
// The tree keeps the root of every full subtree: a row at (level, index) covers the leaves from index << level on. A full subtree
// never changes, so a proof of any size can be read at any time, from O(log n) rows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amicale/v1/audit.pb.h"
#include "amicale/v1/event.pb.h"
#include "storage/batch.h"
#include "storage/digest.h"
#include "storage/entry.h"
#include "storage/partition.h"
#include "storage/view.h"
#include "store/log.pb.h"

namespace amicale::storage {

// --- Which events are acts: the one table, in audit.cc -------------------------------------------

enum class Audited : uint8_t {
  never,
  always,
  on_others,  // an act only when it is not about whoever does it: a deletion, a word about an appeal
};
// Nothing for a kind that the table does not know. A test holds the table against event.proto.
std::optional<Audited> audited(v1::Event::BodyCase kind);

// --- Writing, for apply --------------------------------------------------------------------------

// What `apply` is told of the entry beside its contents.
struct EntrySeal {
  std::string_view salt;  // zeros once redacted
  std::string_view hash;  // the chain at this entry
};

// Adds the event's record if it is an act. Before its rows change. Answers whether it is one.
bool record_act(Batch& batch, PartitionId partition, const v1::Event& event,
                const store::PrivatePart& private_part, const EntrySeal& seal);

// --- Erasing -------------------------------------------------------------------------------------

// Before an act's entry is redacted of what its record does not commit to, words that were held or brought back: puts into its private part
// what makes the same record again, and opens it.
void keep_openings(const EntryView& entry, store::PrivatePart& private_part);

// Fields of a record that can't be opened any more.
struct Concealed {
  bool actor = false;
  bool subject = false;
  bool details = false;
};

// Takes from the log what the record's commitments were to. `left` is the event with less in it: without an actor when the actor
// is concealed, and so on. The record, the tree and the log's chain stay as they are. Throws Error when there is no such record,
// or when `left` lacks something that is not concealed.
void conceal(Batch& batch, PartitionId partition, uint64_t number, const Concealed& fields,
             const v1::Event& left);

// --- Reading -------------------------------------------------------------------------------------

// Absent when there is no such record.
std::optional<v1::AuditRecord> audit_record(const View& view, PartitionId partition,
                                            uint64_t number);
// Up to `limit` records' numbers after `after`: those about an account, or all (0).
std::vector<uint64_t> audit_numbers(const View& view, PartitionId partition, uint64_t account_id,
                                    uint64_t after, size_t limit);
// What of the record can still be opened, read from the log.
v1::AuditOpening audit_opening(const View& view, const v1::AuditRecord& record);

uint64_t audit_size(const View& view, PartitionId partition);
// For 1 <= size <= audit_size. O(log size).
Digest audit_root(const View& view, PartitionId partition, uint64_t size);
// RFC 6962, 2.1.1: from record `number` to the root at `size`; 1 <= number <= size <= audit_size.
std::vector<std::string> audit_path(const View& view, PartitionId partition, uint64_t number,
                                    uint64_t size);
// RFC 6962, 2.1.2: 1 <= from <= to <= audit_size.
std::vector<std::string> audit_consistency(const View& view, PartitionId partition, uint64_t from,
                                           uint64_t to);
// The head at `size` without key and signature. Follows from the log alone.
v1::AuditHead audit_head(const View& view, PartitionId partition, uint64_t size, uint64_t epoch);

// --- Formats -------------------------------------------------------------------------------------

Digest leaf_of(const v1::AuditRecord& record);
// What is signed.
std::string signed_bytes(const v1::AuditHead& head);
std::string handover_bytes(std::string_view previous, std::string_view next, int64_t since_ms);

}  // namespace amicale::storage
