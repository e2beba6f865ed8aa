// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/hub/ring.h"

#include <algorithm>
#include <cstring>

namespace amicale::hub {
namespace {

// Small first slabs keep a quiet club cheap; a busy one soon gets long runs.
constexpr std::size_t smallest_slab = 2 * 1024;
constexpr std::size_t largest_slab = 64 * 1024;

}  // namespace

void Ring::grow() {
  std::vector<Entry> larger(entries_.empty() ? 4 : entries_.size() * 2);
  for (uint64_t seq = first(); seq <= head_; ++seq)
    larger[seq & (larger.size() - 1)] = std::move(entries_[seq & (entries_.size() - 1)]);
  entries_ = std::move(larger);
}

void Ring::append(std::string_view framed, uint16_t roles, uint64_t account) {
  if (!slab_ || slab_->capacity - slab_->used < framed.size()) {
    std::size_t next = slab_ ? std::min(slab_->capacity * 2, largest_slab) : smallest_slab;
    auto slab = std::make_shared<Slab>();
    slab->capacity = std::max(next, framed.size());
    slab->bytes = std::make_unique_for_overwrite<char[]>(slab->capacity);
    slab_ = std::move(slab);
  }
  char* at = slab_->bytes.get() + slab_->used;
  std::memcpy(at, framed.data(), framed.size());
  slab_->used += framed.size();
  if (kept_ == entries_.size()) grow();
  ++head_;
  ++kept_;
  entries_[head_ & (entries_.size() - 1)] = {at, static_cast<uint32_t>(framed.size()), roles,
                                             account, slab_};
  bytes_ += framed.size();
  while (kept_ > max_entries_ || (bytes_ > max_bytes_ && kept_ > 1)) {
    Entry& oldest = entries_[first() & (entries_.size() - 1)];
    bytes_ -= oldest.size;
    oldest.slab = nullptr;
    --kept_;
  }
}

void Ring::replace(uint64_t seq, std::string_view framed) {
  if (seq < first() || seq > head_) return;
  Entry& entry = entries_[seq & (entries_.size() - 1)];
  auto slab = std::make_shared<Slab>();
  slab->capacity = slab->used = framed.size();
  slab->bytes = std::make_unique_for_overwrite<char[]>(framed.size());
  std::memcpy(slab->bytes.get(), framed.data(), framed.size());
  bytes_ = bytes_ - entry.size + framed.size();
  entry.data = slab->bytes.get();
  entry.size = static_cast<uint32_t>(framed.size());
  entry.slab = std::move(slab);
}

}  // namespace amicale::hub
