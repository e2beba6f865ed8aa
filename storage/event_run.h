// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/entry.h"

namespace amicale::storage {

// Consecutive events of one partition, in one buffer: what a commit produced, or what was read from
// the log. Any part of it from one event to another is a valid piece of a v1.StreamBatch.
struct EventRun {
  struct Item {
    Audience audience;
    uint32_t end = 0;  // offset in `bytes` just after this event
  };

  uint64_t first_seq = 0;  // of items[0]
  std::string bytes;       // framed events, one after the other
  std::vector<Item> items;

  bool acts = false;  // some of them are acts: the partition's provable log has grown (audit.h)

  // Earlier entries, or entries of this run, that this commit took words out of: framed as the log has them from now on. Whoever
  // keeps copies of them puts these in their place.
  struct Redacted {
    uint64_t seq = 0;
    std::string framed;
  };
  std::vector<Redacted> redacted;

  bool empty() const { return items.empty(); }
  uint64_t last_seq() const { return first_seq + items.size() - 1; }  // not when empty
  uint64_t seq(size_t i) const { return first_seq + i; }
  uint32_t begin(size_t i) const { return i == 0 ? 0 : items[i - 1].end; }
  std::string_view framed(size_t i) const {
    return std::string_view(bytes).substr(begin(i), items[i].end - begin(i));
  }
};

}  // namespace amicale::storage
