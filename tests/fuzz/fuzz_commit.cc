// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Log entries as they could be found on a disk, and commits of whatever events: decoding answers an entry or nothing, redacting
// keeps the hash, and `append` of any events either throws a storage error or makes entries that read back as they were given.
#include <google/protobuf/stubs/logging.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "amicale/v1/frame.pb.h"
#include "storage/append.h"
#include "storage/database.h"
#include "storage/entry.h"
#include "storage/error.h"
#include "storage/view.h"

namespace {
using namespace amicale;
namespace fs = std::filesystem;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// A database that nothing is ever written to: batches are dropped.
struct Scratch {
  fs::path folder = fs::temp_directory_path() / ("amicale-fuzz-" + std::to_string(getpid()));
  storage::Database database{
      {.folder = folder, .ballast_bytes = 0, .on_line = {}, .on_progress = {}}};
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
};

void check_entry(std::string_view bytes) {
  const auto entry = storage::decode_entry(bytes);
  if (!entry) return;
  std::string again;
  storage::encode_entry(*entry, again);
  check(again == bytes, "an entry encodes as it was decoded");
  const auto partition = storage::PartitionId::club(1);
  const auto redacted = storage::redact_entry(*entry, "", "");
  const auto view = storage::decode_entry(redacted);
  check(view && view->redacted, "a redacted entry decodes");
  check(storage::hash_entry(partition, 1, *entry) == storage::hash_entry(partition, 1, *view),
        "redacting keeps the hash");
  (void)storage::unframe_event(entry->public_bytes);
}

void check_commit(storage::Database& database, storage::PartitionId partition,
                  v1::StreamBatch& batch) {
  if (batch.events_size() == 0 || batch.events_size() > 50) return;
  storage::Batch changes(database);
  store::HeadRow head;
  storage::EventRun run;
  std::vector<store::PrivatePart> parts(static_cast<std::size_t>(batch.events_size()));
  std::vector<storage::NewEntry> entries;
  for (int i = 0; i < batch.events_size(); ++i) {
    auto& event = *batch.mutable_events(i);
    if (event.client_msg_id().size() != 16) event.clear_client_msg_id();
    entries.push_back({.event = event,
                       .audience = {.roles = 1, .account = 0},
                       .private_part = parts[static_cast<std::size_t>(i)]});
  }
  try {
    storage::append(changes, partition, head, entries,
                    {.request_kind = 60, .object_id = 1, .numbers = {}}, run);
  } catch (const storage::Error&) {
    return;  // an event that can't follow the ones before it
  }
  check(head.seq() == static_cast<std::uint64_t>(batch.events_size()), "the head is the last seq");
  check(run.items.size() == entries.size(), "each event is in the run");
  v1::StreamBatch read;
  check(read.ParseFromString(run.bytes) && read.events_size() == batch.events_size(),
        "a run is a piece of a StreamBatch");
  for (int i = 0; i < read.events_size(); ++i) {
    check(read.events(i).seq() == static_cast<std::uint64_t>(i) + 1, "seqs are dense");
  }
}

}  // namespace

// Protobuf says what it thinks of each malformed text; millions of times, that is no news.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Scratch scratch;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_entry(bytes);
  v1::StreamBatch batch;
  if (size > 0 && batch.ParseFromArray(data, static_cast<int>(size))) {
    if (const auto partition = storage::partition_of(batch.stream()))
      check_commit(scratch.database, *partition, batch);
  }
  return 0;
}
