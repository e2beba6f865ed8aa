// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace amicale::hub {

// Recent events of one stream on one shard, so that any number of sessions can be served from the same bytes.
//
// Bytes lie back to back in slabs that never move and are shared: a run of events in one slab is one buffer of a write, and a
// write in flight keeps its slabs alive by itself. Entries are exactly as the log stores them: framed for StreamBatch.events.
// The ring is bounded by bytes and by count; a cursor that falls off its tail is served from the log instead.
class Ring {
 public:
  struct Slab {
    std::unique_ptr<char[]> bytes;
    std::size_t capacity = 0;
    std::size_t used = 0;
  };
  struct Entry {
    const char* data;  // in `slab`
    uint32_t size;
    uint16_t roles;    // audience: bit r admits ClubRole r; bit 0 whoever may follow the stream
    uint64_t account;  // audience: also admits this account; 0 = none
    std::shared_ptr<const Slab> slab;
  };

  // Starts empty just after `head`. `max_bytes` and `max_entries` bound what is kept.
  Ring(uint64_t head, std::size_t max_bytes, std::size_t max_entries)
      : head_(head), max_bytes_(max_bytes), max_entries_(max_entries) {}

  // Appends the event with seq head() + 1 and lets the oldest go when over a bound.
  void append(std::string_view framed, uint16_t roles, uint64_t account);

  // Puts what the log now has in place of the event at `seq`, if it is still here. Writes that are under way keep the old bytes.
  void replace(uint64_t seq, std::string_view framed);

  // Seq of the newest event; with nothing ever appended, where the ring started.
  uint64_t head() const { return head_; }
  // Seq of the oldest event that is kept; head() + 1 when empty.
  uint64_t first() const { return head_ + 1 - kept_; }
  // Whether a reader that holds everything up to `cursor` can be served from here.
  bool covers(uint64_t cursor) const { return cursor + 1 >= first() && cursor <= head_; }
  // The entry at `seq`, first() <= seq <= head().
  const Entry& at(uint64_t seq) const { return entries_[seq & (entries_.size() - 1)]; }

 private:
  void grow();

  uint64_t head_;
  std::size_t max_bytes_;
  std::size_t max_entries_;
  std::size_t bytes_ = 0;
  // A circle, a power of two in size, in which the entry of a seq has its place; nothing until the first event.
  std::vector<Entry> entries_;
  std::size_t kept_ = 0;
  std::shared_ptr<Slab> slab_;
};

}  // namespace amicale::hub
