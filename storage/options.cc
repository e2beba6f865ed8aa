// SPDX-License-Identifier: AGPL-3.0-or-later
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "storage/rocks.h"

namespace amicale::storage {

namespace {

// RocksDB looks for room every five seconds after a full disk, and holds off everybody else
// meanwhile. When it was our write that failed, Database knows better when and how to go on.
class OwnRecovery final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status,
                            bool* automatic) override {
    if (reason == rocksdb::BackgroundErrorReason::kWriteCallback) *automatic = false;
  }
};

}  // namespace

LineLogger::LineLogger(OnLine on_line)
    : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL), on_line_(std::move(on_line)) {}

void LineLogger::Logv(const char* format, va_list arguments) {
  Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
}

void LineLogger::Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) {
  if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level == rocksdb::InfoLogLevel::HEADER_LEVEL) {
    return;
  }
  char buffer[1024];
  const int size = std::vsnprintf(buffer, sizeof buffer, format, arguments);
  if (size <= 0) return;
  std::string_view line(buffer, std::min<size_t>(static_cast<size_t>(size), sizeof buffer - 1));
  while (line.ends_with('\n')) line.remove_suffix(1);
  if (line.find("dropping") != std::string_view::npos) {
    const std::scoped_lock lock(mutex_);
    last_damage_ = line;
  }
  if (!on_line_) return;
  on_line_(level == rocksdb::InfoLogLevel::WARN_LEVEL ? Severity::warning : Severity::error, line);
}

std::string LineLogger::last_damage() const {
  const std::scoped_lock lock(mutex_);
  return last_damage_;
}

rocksdb::DBOptions database_options(const DatabaseOptions& options,
                                    const std::shared_ptr<LineLogger>& logger,
                                    rocksdb::Env& files) {
  rocksdb::DBOptions o;
  o.env = &files;
  o.info_log = logger;
  o.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;

  // The default (point in time) turns one flipped bit into silent loss of all that follows it.
  // Accepting loss is the operator's explicit word.
  o.wal_recovery_mode = options.accept_loss
                            ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                            : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // Sealed write-ahead files are listed in the manifest and missed when gone; the live one is the
  // end mark's business.
  o.track_and_verify_wals_in_manifest = !options.accept_loss;
  o.verify_sst_unique_id_in_manifest = true;
  o.paranoid_checks = true;
  // A start on a full disk must not need space to flush what it recovered.
  o.avoid_flush_during_recovery = true;
  // After a full disk every family leaves the broken write-ahead file behind in one step; without this
  // a crash in between could bring back half of a write that was reported as failed.
  o.atomic_flush = true;

  o.listeners.push_back(std::make_shared<OwnRecovery>());

  o.max_open_files = options.open_files;
  // When to flush is decided in Database::Impl::prepare_buffers; nothing of this size is ever reached.
  o.max_total_wal_size = 1ull << 40;
  // A clean start should have nothing to replay; a copy to be thrown away has nothing to keep.
  o.avoid_flush_during_shutdown = !options.durable;
  o.max_background_jobs = 2;
  o.bytes_per_sync = 1 << 20;
  // Its threads and rows of statistics are of no use to us: /metrics asks for what it wants.
  o.stats_dump_period_sec = 0;
  o.stats_persist_period_sec = 0;
  return o;
}

rocksdb::ColumnFamilyOptions family_options(Family family, const DatabaseOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions o;
  // Twice what Database fills, so out of reach as above.
  o.write_buffer_size = std::max<uint64_t>(options.write_buffer_bytes, 4 << 20);
  o.arena_block_size = 64 << 10;  // six families: the default would hold megabytes while idle
  o.target_file_size_base = 32 << 20;
  // Every command asks whether its id is known, and it nearly never is: a filter answers without a search.
  if (family == Family::idempotency) {
    o.memtable_whole_key_filtering = true;
    o.memtable_prefix_bloom_size_ratio = 0.02;
  }
  // Entries and messages come in order within their partition or room: the search starts where the last one ended.
  if (family == Family::log)
    o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(9));
  if (family == Family::messages)
    o.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(17));
  o.compression = rocksdb::kLZ4Compression;
  // The log is read in order and seldom; its old part is worth packing well.
  if (family == Family::log) o.bottommost_compression = rocksdb::kZSTD;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;  // so that the cache size is the memory bound
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // In pieces of a block's size: whole, the filter and the index of one file are as large as a shard of the cache, each
  // evicts the other, and every post of a long log reads them again.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.format_version = 5;
  table.checksum = rocksdb::kXXH3;
  if (family == Family::idempotency) {
    // Asked at every command, for a random key: ten bits of memory for each, and no look into the cache.
    table.cache_index_and_filter_blocks = false;
    table.partition_filters = false;
  }
  const bool scanned = family == Family::log || family == Family::messages;
  table.block_size = scanned ? 16 << 10 : 4 << 10;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

}  // namespace amicale::storage
