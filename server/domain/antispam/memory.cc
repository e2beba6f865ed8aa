// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/memory.h"

#include <algorithm>

#include "server/domain/limits.h"

namespace amicale::domain::antispam {
namespace {

constexpr std::uint32_t minute_ms = 60'000;
constexpr std::uint32_t hour_ms = 3'600'000;
constexpr std::int64_t held_ms = 600'000;

// A bucket of at least one token, so that "0" means "not even one" by being asked for more than it
// ever holds.
TokenBucket bucket(std::uint32_t refill, std::uint32_t period_ms) {
  return {std::max(refill, 1u), period_ms, std::max(refill, 1u)};
}

Memory::Room look(TokenBucket bucket, std::int64_t now_ms, std::uint32_t cost = 1) {
  if (bucket.take(now_ms, cost)) return {};
  return {std::max(1u, bucket.retry_after_ms(cost))};
}

}  // namespace

Memory::Member::Member(const Limits& limits)
    : minute(bucket(limits.member_posts_per_minute, minute_ms)),
      newcomer(bucket(limits.newcomer_posts_per_hour, hour_ms)),
      links(bucket(limits.links_per_hour, hour_ms)),
      mentions(bucket(limits.mentions_per_hour, hour_ms)) {}

Memory::Memory(const Limits& limits)
    : limits_(limits),
      club_(bucket(limits.club_posts_per_minute, minute_ms)),
      texts_(limits::antispam_texts) {}

const Memory::Member* Memory::find(std::uint64_t account) const {
  const auto found = members_.find(account);
  return found != members_.end() ? &found->second : nullptr;
}

Memory::Member& Memory::member(std::uint64_t account, std::int64_t now_ms) {
  Member& found = members_.try_emplace(account, limits_).first->second;
  found.last_ms = now_ms;
  return found;
}

void Memory::apply(const v1::Event& event, const store::PrivatePart& private_part) {
  const std::int64_t now_ms = event.time_ms();
  const store::SpamRecord& record = private_part.spam();
  if (event.has_message_posted()) {
    const auto& posted = event.message_posted();
    // An import is no speech, and a released message was counted when it was held.
    if (!posted.imported_author().empty() || posted.author() != 0) return;
    count(event.actor(), posted.room_id(), now_ms, record);
  } else if (event.has_message_held()) {
    const auto& held = event.message_held();
    if (held.number() == 0) count(event.actor(), held.room_id(), now_ms, record);
    Member& author = member(event.actor(), now_ms);
    std::erase_if(author.held, [now_ms](std::int64_t at) { return at <= now_ms - held_ms; });
    author.held.push_back(now_ms);
  } else if (event.has_message_edited()) {
    if (const auto sketch = Sketch::read(record.sketch())) {
      texts_.add(*sketch, {.author = event.actor(), .club = 0, .time_ms = now_ms}, record.family());
    }
  } else if (event.has_member_changed()) {
    names_.clear();
  } else if (event.has_member_quieted()) {
    member(event.member_quieted().account_id(), now_ms).quiet_until_ms =
        event.member_quieted().until_ms();
  }
}

void Memory::count(std::uint64_t account, std::uint64_t room_id, std::int64_t now_ms,
                   const store::SpamRecord& record) {
  forget(now_ms);
  Member& author = member(account, now_ms);
  author.minute.take(now_ms);
  author.newcomer.take(now_ms);
  const auto links = static_cast<std::uint32_t>(record.hosts_size());
  if (links != 0) author.links.take(now_ms, links);
  if (record.mentions() != 0) author.mentions.take(now_ms, record.mentions());
  std::erase_if(author.hosts,
                [now_ms](const auto& host) { return host.second <= now_ms - remembered_ms; });
  for (const std::uint64_t host : record.hosts()) author.hosts.emplace_back(host, now_ms);
  rooms_.try_emplace(room_id, bucket(limits_.room_posts_per_minute, minute_ms))
      .first->second.take(now_ms);
  club_.take(now_ms);
  if (record.address() != 0 && record.why().trust() == 0) {
    addresses_
        .try_emplace(record.address(), bucket(limits_.address_newcomer_posts_per_hour, hour_ms))
        .first->second.take(now_ms);
  }
  if (const auto sketch = Sketch::read(record.sketch())) {
    texts_.add(*sketch, {.author = account, .club = 0, .time_ms = now_ms}, record.family());
  }
}

void Memory::forget(std::int64_t now_ms) {
  if (members_.size() + addresses_.size() <= kept_) return;
  std::erase_if(members_, [now_ms](const auto& entry) {
    return entry.second.last_ms < now_ms - remembered_ms && entry.second.quiet_until_ms < now_ms;
  });
  std::erase_if(addresses_, [now_ms](auto entry) { return entry.second.is_full(now_ms); });
  kept_ = std::max<std::size_t>(256, 2 * (members_.size() + addresses_.size()));
}

Memory::Room Memory::member_minute(std::uint64_t account, std::int64_t now_ms) const {
  const Member* author = find(account);
  return author == nullptr ? Room{} : look(author->minute, now_ms);
}

Memory::Room Memory::newcomer_hour(std::uint64_t account, std::int64_t now_ms) const {
  const Member* author = find(account);
  return author == nullptr ? Room{} : look(author->newcomer, now_ms);
}

Memory::Room Memory::links_hour(std::uint64_t account, std::int64_t now_ms,
                                std::uint32_t links) const {
  const Member* author = find(account);
  return look(author == nullptr ? bucket(limits_.links_per_hour, hour_ms) : author->links, now_ms,
              links);
}

Memory::Room Memory::mentions_hour(std::uint64_t account, std::int64_t now_ms,
                                   std::uint32_t mentions) const {
  const Member* author = find(account);
  return look(author == nullptr ? bucket(limits_.mentions_per_hour, hour_ms) : author->mentions,
              now_ms, mentions);
}

std::optional<bool> Memory::apes_officer(std::uint64_t account) const {
  const auto found = names_.find(account);
  return found == names_.end() ? std::nullopt : std::optional(found->second);
}

void Memory::note_name(std::uint64_t account, bool apes_officer) const {
  if (names_.size() >= limits::antispam_names) names_.clear();
  names_[account] = apes_officer;
}

Memory::Room Memory::room_minute(std::uint64_t room_id, std::int64_t now_ms) const {
  const auto found = rooms_.find(room_id);
  return found == rooms_.end() ? Room{} : look(found->second, now_ms);
}

Memory::Room Memory::club_minute(std::int64_t now_ms) const { return look(club_, now_ms); }

Memory::Room Memory::address_hour(std::uint64_t address, std::int64_t now_ms) const {
  const auto found = addresses_.find(address);
  return found == addresses_.end() ? Room{} : look(found->second, now_ms);
}

std::uint32_t Memory::links_to(std::uint64_t account, std::uint64_t registrable,
                               std::int64_t now_ms) const {
  const Member* author = find(account);
  if (author == nullptr) return 0;
  return static_cast<std::uint32_t>(std::ranges::count_if(author->hosts, [&](const auto& host) {
    return host.first == registrable && host.second > now_ms - remembered_ms;
  }));
}

std::uint32_t Memory::held_lately(std::uint64_t account, std::int64_t now_ms) const {
  const Member* author = find(account);
  if (author == nullptr) return 0;
  return static_cast<std::uint32_t>(std::ranges::count_if(
      author->held, [now_ms](std::int64_t at) { return at > now_ms - held_ms; }));
}

std::int64_t Memory::quiet_until_ms(std::uint64_t account) const {
  const Member* author = find(account);
  return author == nullptr ? 0 : author->quiet_until_ms;
}

}  // namespace amicale::domain::antispam
