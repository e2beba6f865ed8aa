// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/database.h"

#include <rocksdb/cache.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "storage/big_endian.h"
#include "storage/digest.h"
#include "storage/end_mark.h"
#include "storage/files.h"
#include "storage/opening.h"
#include "storage/rebuild.h"
#include "storage/rocks.h"
#include "storage/upgrade.h"

namespace amicale::storage {

namespace fs = std::filesystem;

namespace {

constexpr uint64_t kSmallFiles = 256 << 10;  // what a manifest and a new write-ahead file need
constexpr uint64_t kSmallFlush =
    1 << 20;  // less is not worth files of its own, however small the disk
constexpr auto kSettleEvery = std::chrono::seconds(1);

bool is_no_space(const rocksdb::Status& status) {
  return status.IsNoSpace() || status.subcode() == rocksdb::Status::kNoSpace;
}

}  // namespace

// Writers line up in `queue_`; the one in front takes all that wait, merges them into one RocksDB
// batch and writes it, so that one fsync serves all. (RocksDB's own write groups would do the same,
// but in an order that the commit number could not follow.)
struct Database::Impl {
  struct Waiter {
    std::span<Batch* const> batches;
    bool done = false;
    std::optional<WriteFailed> failure;
  };

  explicit Impl(DatabaseOptions o) : options(std::move(o)) {}

  void write(std::span<Batch* const> batches);
  void commit(const std::deque<Waiter*>& group);
  void prepare_buffers();
  void heal();
  [[noreturn]] void fail(const rocksdb::Status& status);
  uint64_t room_to_flush() const { return 2 * buffered_bytes + kSmallFiles; }
  // A disk that does not say how full it is does not stop a commit: the write itself will tell.
  bool can_flush() const {
    const auto free = find_free_bytes_at(options.folder);
    return (!free || *free >= room_to_flush()) && has_inodes_at(options.folder);
  }
  bool flush_due() const;
  template <class Work>
  void alone(Work work);
  void settle();
  void keep(const std::stop_token& stop);
  void say(Severity severity, std::string_view line) const {
    if (options.on_line) options.on_line(severity, line);
  }
  fs::path ballast_file() const { return options.folder / kBallastFile; }
  bool release_ballast();

  DatabaseOptions options;
  Rocks* rocks = nullptr;
  uint64_t epoch = 0;

  std::mutex mutex;  // guards queue and writing
  std::condition_variable turn;
  std::deque<Waiter*> queue;
  bool writing = false;

  // Belongs to whoever set `writing`.
  rocksdb::WriteBatch merged;
  Digest hash{};
  std::optional<EndMark> mark;
  uint64_t buffered_bytes = 0;  // written since the last flush
  bool buffers_filled = false;  // every family's write buffer holds something
  bool flush_put_off = false;   // there was no room to flush when it was due

  std::atomic<uint64_t> commits{0};
  std::atomic<bool> out_of_space{false};
  std::atomic<bool> broken{false};
  std::atomic<bool> mark_unsynced{false};

  std::mutex keeper_mutex;
  std::condition_variable_any keeper_wake;
  std::jthread keeper;
};

void Database::Impl::write(std::span<Batch* const> batches) {
  Waiter me{batches, false, std::nullopt};
  std::unique_lock lock(mutex);
  queue.push_back(&me);
  turn.wait(lock, [&] { return me.done || (!writing && queue.front() == &me); });
  if (!me.done) {
    std::deque<Waiter*> group;
    group.swap(queue);
    writing = true;
    lock.unlock();
    std::optional<WriteFailed> failure;
    try {
      commit(group);
    } catch (const WriteFailed& e) {
      failure = e;
    } catch (const std::exception& e) {
      broken = true;
      failure = WriteFailed(e.what(), false);
    }
    lock.lock();
    writing = false;
    for (Waiter* waiter : group) {
      waiter->failure = failure;
      waiter->done = true;
    }
    turn.notify_all();
  }
  lock.unlock();
  if (me.failure) throw WriteFailed(*me.failure);
}

template <class Work>
void Database::Impl::alone(Work work) {
  std::unique_lock lock(mutex);
  turn.wait(lock, [&] { return !writing; });
  writing = true;
  lock.unlock();
  try {
    work();
  } catch (...) {
    lock.lock();
    writing = false;
    turn.notify_all();
    throw;
  }
  lock.lock();
  writing = false;
  turn.notify_all();
}

void Database::Impl::commit(const std::deque<Waiter*>& group) {
  if (broken) throw WriteFailed("the disk failed before; open the data folder again", false);
  if (out_of_space) heal();
  prepare_buffers();

  merged.Clear();
  for (const Waiter* waiter : group) {
    for (const Batch* batch : waiter->batches) {
      for (size_t i = 0; i < kFamilies; ++i) {
        auto* family = rocks->families[i];
        for (const auto& [key, change] : batch->changes(static_cast<Family>(i))) {
          if (change.erased) {
            merged.Delete(family, slice(key));
          } else {
            merged.Put(family, slice(key), slice(change.value()));
          }
        }
      }
    }
  }
  const uint64_t number = commits + 1;
  const Digest next =
      Sha256::of_thread().add(bytes_of(hash)).add_u64(number).add(merged.Data()).finish();
  const auto record = encode_commit(number, next);
  merged.Put(rocks->family(Family::meta), "commit", record);
  merged.Put(rocks->family(Family::meta), commit_slot_key(number), record);

  rocksdb::WriteOptions how;
  how.sync = options.durable;
  how.disableWAL = !options.durable;
  const auto status = rocks->db->Write(how, &merged);
  if (!status.ok()) fail(status);
  buffered_bytes += merged.GetDataSize();
  commits = number;
  hash = next;
  if (!mark) return;
  try {
    mark->update({epoch, number, hash});
    // A mark that is further behind than the slots reach could not be compared any more.
    if (number % (kCommitSlots / 2) == 0) mark->sync();
    mark_unsynced = true;
  } catch (const Error& e) {
    // This commit is durable and is answered so; without a mark there is none after it.
    broken = true;
    say(Severity::error, e.what());
  }
}

// When the buffers are full; and sooner on a small disk, where a write-ahead file that grew with the
// buffers would leave no room to flush them, now or ever.
bool Database::Impl::flush_due() const {
  if (buffered_bytes >= options.write_buffer_bytes / 2) return true;
  if (!options.durable || buffered_bytes < kSmallFlush) return false;
  const auto free = find_free_bytes_at(options.folder);
  return free && *free < 2 * room_to_flush();
}

// Gives the write buffers to RocksDB's flush when they are full, and sees to it that no family's
// buffer is empty when the write-ahead file is appended to.
//
// Both are for the full disk. An append that fails leaves a write-ahead file which ends in a torn or
// whole copy of the failed write and accepts nothing more. RocksDB's Resume leaves that file behind
// only by flushing buffers, and one without content is passed over: with all of them empty it would go
// on with the broken file and fail for good (seen on 7.8.3), with some of them empty a crash at the
// wrong moment could bring back part of a write that was reported as failed. So a tombstone for a key
// that never exists goes into each first, in memory only; and RocksDB's own flush triggers are set out
// of reach, because they would empty the buffers between that and the append.
void Database::Impl::prepare_buffers() {
  const auto check = [&](const rocksdb::Status& status) {
    if (!status.ok()) fail(status);
  };
  if (flush_due()) {
    // RocksDB takes a failure to make the next write-ahead file as fatal: don't let it try.
    if (options.durable && !can_flush()) {
      flush_put_off = true;
      fail(rocksdb::Status::NoSpace("no room to flush"));
    }
    rocksdb::FlushOptions how;
    how.wait = false;
    how.allow_write_stall = true;  // the bound on memory: at most one more buffer's worth
    check(rocks->db->Flush(how, {rocks->families.begin(), rocks->families.end()}));
    buffered_bytes = 0;
    buffers_filled = false;
  }
  if (buffers_filled) return;
  rocksdb::WriteBatch nothing;
  for (auto* family : rocks->families) nothing.Delete(family, "\xff");
  rocksdb::WriteOptions in_memory;
  in_memory.disableWAL = true;
  check(rocks->db->Write(in_memory, &nothing));
  buffers_filled = true;
}

// After a full disk, once there is room: RocksDB flushes what it has and starts a new write-ahead file.
void Database::Impl::heal() {
  const auto free = find_free_bytes_at(options.folder);
  const bool room = free && *free >= options.floor_bytes && can_flush();
  if (!room || !rocks->db->Resume().ok()) {
    throw WriteFailed("the disk of " + options.folder.string() + " is full", true);
  }
  // Put off, RocksDB may have met no error and flushed nothing: the next commit does.
  if (!flush_put_off) buffered_bytes = 0;
  buffers_filled = false;
  flush_put_off = false;
  out_of_space = false;
  say(Severity::info, "the disk has room again: writing resumes");
}

// RocksDB said no to a write.
void Database::Impl::fail(const rocksdb::Status& status) {
  const bool no_space = is_no_space(status);
  if (no_space) {
    out_of_space = true;
    release_ballast();  // room for RocksDB to recover in; posts stay closed below the floor
  } else {
    broken = true;
  }
  say(Severity::error, "write failed: " + status.ToString());
  throw WriteFailed("write to " + options.folder.string() + " failed: " + status.ToString(),
                    no_space);
}

bool Database::Impl::release_ballast() {
  std::error_code error;
  const bool released = fs::remove(ballast_file(), error);
  if (released) say(Severity::warning, "the disk is nearly full: the ballast was given back");
  return released;
}

void Database::Impl::settle() {
  if (!options.durable) return;
  if (mark_unsynced.exchange(false)) {
    try {
      mark->sync();
    } catch (const Error&) {
      broken = true;
      throw;
    }
  }
  const auto free = free_bytes_at(options.folder);
  if (out_of_space && !broken && free >= options.floor_bytes) {
    alone([this] {
      if (!out_of_space) return;
      try {
        heal();
      } catch (const WriteFailed&) {
        // Not yet: the next second tries again.
      }
    });
  }
  // Twice its size of room, so that it is not made and given back in turns.
  if (options.ballast_bytes > 0 && !out_of_space && !fs::exists(ballast_file()) &&
      free >= options.floor_bytes + 2 * options.ballast_bytes) {
    reserve_file(ballast_file(), options.ballast_bytes);
  }
}

void Database::Impl::keep(const std::stop_token& stop) {
  std::unique_lock lock(keeper_mutex);
  while (!stop.stop_requested()) {
    keeper_wake.wait_for(lock, stop, kSettleEvery, [] { return false; });
    if (stop.stop_requested()) return;
    try {
      settle();
    } catch (const std::exception& e) {
      say(Severity::error, e.what());
    }
  }
}

Database::Rocks::~Rocks() {
  for (auto* family : families) {
    if (family != nullptr) db->DestroyColumnFamilyHandle(family);
  }
  if (db) db->Close();
}

Database::Database(DatabaseOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  Impl& impl = *impl_;
  Opened opened = open_folder(impl.options);
  rocks_ = std::move(opened.rocks);
  impl.rocks = rocks_.get();
  impl.epoch = opened.facts.epoch;
  impl.commits = opened.facts.commit;
  impl.hash = opened.facts.hash;
  if (impl.options.durable) {
    impl.mark.emplace(impl.options.folder / kEndFile);
    // What the database holds beyond the mark is durable as well.
    impl.mark->update({impl.epoch, impl.commits, impl.hash});
    impl.mark->sync();
  }
  if (opened.accepted_loss) renew_epoch();
  if (opened.facts.format < kFormat) {
    upgrade(*this, opened.facts.format, kFormat, upgrade_steps(), impl.options.on_progress);
  } else if (opened.facts.rebuilding) {
    rebuild(*this, impl.options.on_progress);
  }
  if (!impl.options.durable) return;
  settle();
  impl.keeper = std::jthread([&impl](const std::stop_token& stop) { impl.keep(stop); });
}

Database::~Database() {
  if (impl_->keeper.joinable()) {
    impl_->keeper.request_stop();
    impl_->keeper.join();
  }
  if (impl_->mark_unsynced) {
    try {
      impl_->mark->sync();
    } catch (const std::exception& e) {
      impl_->say(Severity::error, e.what());
    }
  }
}

void Database::write(std::span<Batch* const> batches) { impl_->write(batches); }

void Database::write(Batch& batch) {
  Batch* const one[] = {&batch};
  impl_->write(one);
}

uint64_t Database::epoch() const { return impl_->epoch; }

void Database::renew_epoch() {
  uint64_t fresh = 0;
  while (fresh == 0 || fresh == impl_->epoch) {
    fill_random(reinterpret_cast<char*>(&fresh), sizeof fresh);
  }
  Batch batch(*this);
  batch.put(Family::meta, "epoch", key::u64(fresh));
  write(batch);
  impl_->epoch = fresh;
  if (impl_->mark) {
    impl_->mark->update({fresh, impl_->commits, impl_->hash});
    impl_->mark->sync();
    // The other slot still carries the old epoch; replace the file so that only one is left.
    EndMark::create(folder() / kEndFile, {fresh, impl_->commits, impl_->hash});
    impl_->mark.emplace(folder() / kEndFile);
  }
}

uint64_t Database::commits() const { return impl_->commits; }

uint64_t Database::free_bytes() const { return free_bytes_at(impl_->options.folder); }

bool Database::has_space() const {
  if (impl_->out_of_space) return false;
  const auto free = find_free_bytes_at(impl_->options.folder);
  return free && *free >= impl_->options.floor_bytes;
}

bool Database::writable() const { return !impl_->broken; }

void Database::settle() { impl_->settle(); }

const fs::path& Database::folder() const { return impl_->options.folder; }

Database::Sizes Database::sizes() const {
  Sizes sizes;
  sizes.disk_bytes = bytes_in(folder() / kRowsFolder);
  rocks_->db->GetIntProperty(rocks_->family(Family::log), rocksdb::DB::Properties::kEstimateNumKeys,
                             &sizes.log_entries_estimate);
  for (auto* family : rocks_->families) {
    uint64_t buffers = 0;
    rocks_->db->GetIntProperty(family, rocksdb::DB::Properties::kSizeAllMemTables, &buffers);
    sizes.memory_bytes += buffers;
  }
  sizes.memory_bytes += rocks_->cache->GetUsage();
  return sizes;
}

}  // namespace amicale::storage
