// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The value of one log entry. Integers are big-endian.
//
//   entry := version:u8 (1)
//            flags:u8                    bit 0: redacted
//            roles:u16 account:u64       the audience
//            prev_hash:32                hash of the entry before; zeros at seq 1
//            salt:16                     random; zeros once redacted
//            [public_digest:32 private_digest:32]   only when redacted
//            public_len:u32 public:bytes
//            private:bytes               store.PrivatePart, never sent
//
// `public` is the event as it is sent: tag and length of v1.StreamBatch.events, then the serialised
// v1.Event. A run of entries is a valid piece of a StreamBatch by mere concatenation.
//
//   digest(public)  := SHA256(salt public)
//   digest(private) := SHA256(salt private)
//   hash(entry)     := SHA256(prev_hash partition seq:u64 roles account digest(public) digest(private))
//
// Redacting replaces contents by what may stay, drops the salt (so that nobody can find a short text
// again by trying), and keeps the two digests: the chain holds for ever, whatever is erased.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "amicale/v1/event.pb.h"
#include "storage/digest.h"
#include "storage/partition.h"
#include "store/log.pb.h"

namespace amicale::storage {

// Who may see an entry. A reader sees it when their role's bit is in `roles`, or when they are
// `account`. Bit r is v1.ClubRole r (1 to 6). Bit 0 is everyone who may follow the stream at all
// (site, account and direct streams).
struct Audience {
  uint16_t roles = 0;
  uint64_t account = 0;

  static Audience of(const store::Audience& audience) {
    return {static_cast<uint16_t>(audience.roles()), audience.account()};
  }
  friend bool operator==(const Audience&, const Audience&) = default;
};

inline constexpr uint16_t kEveryFollower = 1;

// One entry taken apart. Views point into the bytes that were decoded.
struct EntryView {
  bool redacted = false;
  Audience audience;
  std::string_view prev_hash;
  std::string_view salt;
  std::string_view public_digest;   // only when redacted
  std::string_view private_digest;  // only when redacted
  std::string_view public_bytes;    // framed
  std::string_view private_bytes;
};

// Appends the entry's value to `out`. `salt` is 16 bytes, `prev_hash` 32.
void encode_entry(const EntryView& entry, std::string& out);

// Nothing when the bytes are no entry of a known version.
std::optional<EntryView> decode_entry(std::string_view value);

Digest hash_entry(PartitionId partition, uint64_t seq, const EntryView& entry);

// The entry with other contents and the same hash. Redacting twice is allowed.
std::string redact_entry(const EntryView& entry, std::string_view public_bytes,
                         std::string_view private_bytes);

// Appends the event framed as StreamBatch.events.
void frame_event(const v1::Event& event, std::string& out);
// The serialised v1.Event inside one framed event; nothing when the bytes are not exactly one.
std::optional<std::string_view> unframe_event(std::string_view framed);

}  // namespace amicale::storage
