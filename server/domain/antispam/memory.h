// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What a club remembers of the last hour to judge the next message by: the fold of its log's
// entries. Loading folds the last hours of the log again, so that a restart forgets nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "amicale/v1/event.pb.h"
#include "server/domain/antispam/recent_texts.h"
#include "server/domain/antispam/rules.h"
#include "server/domain/token_bucket.h"
#include "store/log.pb.h"

namespace amicale::domain::antispam {

inline constexpr std::int64_t remembered_ms = 3'600'000;  // the longest window but that of adverts
// What loading folds: a bucket that was empty before has had time to fill, and to be emptied since.
inline constexpr std::int64_t folded_ms = 3 * remembered_ms;

// Belongs to one club's partition. Bounded: whoever is back at rest is forgotten.
class Memory {
 public:
  explicit Memory(const Limits& limits);

  // Folds one entry of the club's log. Entries that are no messages change nothing.
  void apply(const v1::Event& event, const store::PrivatePart& private_part);

  // What the next message would meet; nothing is taken.
  struct Room {
    std::uint32_t retry_after_ms = 0;  // 0 = it passes
  };
  Room member_minute(std::uint64_t account, std::int64_t now_ms) const;
  Room newcomer_hour(std::uint64_t account, std::int64_t now_ms) const;
  Room links_hour(std::uint64_t account, std::int64_t now_ms, std::uint32_t links) const;
  Room mentions_hour(std::uint64_t account, std::int64_t now_ms, std::uint32_t mentions) const;
  Room room_minute(std::uint64_t room_id, std::int64_t now_ms) const;
  Room club_minute(std::int64_t now_ms) const;
  Room address_hour(std::uint64_t address, std::int64_t now_ms) const;

  // Times that `account` linked a host of `registrable` in the last hour.
  std::uint32_t links_to(std::uint64_t account, std::uint64_t registrable,
                         std::int64_t now_ms) const;
  // Messages of `account` held in the last ten minutes.
  std::uint32_t held_lately(std::uint64_t account, std::int64_t now_ms) const;
  std::int64_t quiet_until_ms(std::uint64_t account) const;
  const RecentTexts& texts() const { return texts_; }

  // Whether a member's name apes an officer's, once it was found out: comparing names costs more than the rest of a judgement.
  // Forgotten whenever anybody's name, role or status changes. Decides nothing by itself, so that a const memory keeps it.
  std::optional<bool> apes_officer(std::uint64_t account) const;
  void note_name(std::uint64_t account, bool apes_officer) const;

 private:
  struct Member {
    explicit Member(const Limits& limits);
    TokenBucket minute, newcomer, links, mentions;
    std::vector<std::pair<std::uint64_t, std::int64_t>> hosts;  // of the last hour
    std::vector<std::int64_t> held;                             // of the last ten minutes
    std::int64_t quiet_until_ms = 0;
    std::int64_t last_ms = 0;
  };
  const Member* find(std::uint64_t account) const;
  Member& member(std::uint64_t account, std::int64_t now_ms);
  void forget(std::int64_t now_ms);
  void count(std::uint64_t account, std::uint64_t room_id, std::int64_t now_ms,
             const store::SpamRecord& record);

  Limits limits_;
  std::unordered_map<std::uint64_t, Member> members_;
  std::unordered_map<std::uint64_t, TokenBucket> rooms_, addresses_;
  TokenBucket club_;
  RecentTexts texts_;
  mutable std::unordered_map<std::uint64_t, bool> names_;
  std::size_t kept_ = 256;  // above it, those at rest are looked for
};

}  // namespace amicale::domain::antispam
