// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/raid.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

constexpr std::int64_t minute_ms = 60'000;

void add_ended(Decision& decision, std::uint64_t raid_id, v1::RaidEnd end,
               std::string_view text = {}) {
  v1::RaidModeEnded& ended = *decision.add(all_roles).event.mutable_raid_mode_ended();
  ended.set_raid_id(raid_id);
  ended.set_end(end);
  ended.set_text(std::string(text));
}

// The one that no event has ended, although its time is over.
bool is_over_unsaid(const ClubState& club, std::int64_t now_ms) {
  const v1::RaidMode& raid = club.raid();
  return raid.raid_id() != 0 && raid.end() == v1::RAID_END_UNSPECIFIED &&
         !club.in_raid_mode(now_ms);
}

v1::RaidMode& add_started(Decision& decision, const ClubState& club, v1::RaidTrigger trigger,
                          std::int64_t now_ms) {
  if (is_over_unsaid(club, now_ms)) {
    add_ended(decision, club.raid().raid_id(), v1::RAID_END_LAPSED);
    decision.events.back().automatic = trigger != v1::RAID_TRIGGER_BY_HAND;
  }
  Decided& decided = decision.add(all_roles);
  decided.automatic = trigger != v1::RAID_TRIGGER_BY_HAND;
  v1::RaidMode& raid = *decided.event.mutable_raid_mode_started()->mutable_raid();
  raid.set_raid_id(club.raid().raid_id() + 1);
  raid.set_trigger(trigger);
  raid.set_start_ms(now_ms);
  raid.set_until_ms(now_ms + limits::raid_default_s * 1'000ll);
  raid.set_newcomers_since_ms(now_ms - limits::newcomer_ms);
  return raid;
}

// Whether raid mode may begin by itself: it does not last already, the club wants it, and nobody has just said no.
bool may_begin(const ClubState& club, const Watch& watch, std::int64_t now_ms) {
  if (watch.joins_per_minute == 0 || club.club().watch_off()) return false;
  if (club.in_raid_mode(now_ms)) return false;
  const v1::RaidMode& last = club.raid();
  // Where one practises, the next exercise follows at once.
  return last.end() != v1::RAID_END_LIFTED || club.is_sandbox() ||
         now_ms - last.ended_ms() >= limits::raid_quiet_ms;
}

}  // namespace

Result<Decision> start_raid_mode(const ClubState& club, const v1::StartRaidMode& request,
                                 const Actor& actor) {
  if (auto allowed = may(actor, Action::run_raid_mode); !allowed) {
    return std::unexpected(allowed.error());
  }
  const std::uint32_t seconds =
      request.duration_s() == 0 ? limits::raid_default_s : request.duration_s();
  if (seconds < limits::raid_min_s) {
    auto refusal = bad_request("duration_s", "raid.duration");
    refusal.error().limit = limits::raid_min_s;
    return refusal;
  }
  if (seconds > limits::raid_max_s) return too_large("duration_s", limits::raid_max_s, seconds);
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  const std::int64_t until_ms = actor.now_ms + seconds * 1'000ll;
  if (club.in_raid_mode(actor.now_ms)) {
    Decision decision{.object_id = club.raid().raid_id()};
    v1::RaidModeProlonged& prolonged = *decision.add(all_roles).event.mutable_raid_mode_prolonged();
    prolonged.set_raid_id(decision.object_id);
    prolonged.set_until_ms(until_ms);
    return decision;
  }
  Decision decision{.object_id = club.raid().raid_id() + 1};
  v1::RaidMode& raid = add_started(decision, club, v1::RAID_TRIGGER_BY_HAND, actor.now_ms);
  raid.set_until_ms(until_ms);
  raid.set_started_by(actor.account_id);
  raid.set_text(request.text());
  return decision;
}

Result<Decision> end_raid_mode(const ClubState& club, const v1::EndRaidMode& request,
                               const Actor& actor) {
  if (auto allowed = may(actor, Action::run_raid_mode); !allowed) {
    return std::unexpected(allowed.error());
  }
  if (auto checked = check_paragraph(request.text(), "text", limits::purpose_bytes); !checked) {
    return std::unexpected(checked.error());
  }
  if (!club.in_raid_mode(actor.now_ms)) return refuse(v1::REFUSAL_CODE_CONFLICT, "raid.none");
  Decision decision{.object_id = club.raid().raid_id()};
  add_ended(decision, decision.object_id, v1::RAID_END_LIFTED, request.text());
  return decision;
}

Decision lapse_raid_mode(const ClubState& club, std::int64_t now_ms) {
  Decision decision{.object_id = club.raid().raid_id()};
  if (is_over_unsaid(club, now_ms)) add_ended(decision, decision.object_id, v1::RAID_END_LAPSED);
  return decision;
}

JoinRate join_rate(std::span<const Arrival> arrivals, std::uint64_t without, std::int64_t now_ms) {
  // The minute that is running, and the sixty before it; [0] is the running one.
  constexpr std::size_t minutes = limits::raid_usual_minutes + 1;
  std::array<std::uint32_t, minutes> counts{};
  for (const Arrival& arrival : arrivals) {
    if (arrival.account_id == without || arrival.time_ms > now_ms) continue;
    const auto ago = static_cast<std::size_t>((now_ms - arrival.time_ms) / minute_ms);
    if (ago < minutes) ++counts[ago];
  }
  std::int64_t usual = 0;
  for (std::size_t ago = minutes - 1; ago > 0; --ago) {
    usual += (std::int64_t{counts[ago]} * 1'000 - usual) / 8;
  }
  return {.last_minute = counts[0], .usual_thousandths = static_cast<std::uint32_t>(usual)};
}

void watch_arrival(Decision& decision, const ClubState& club, std::uint64_t account_id,
                   const Watch& watch, std::int64_t now_ms) {
  if (!may_begin(club, watch, now_ms)) return;
  const JoinRate rate = join_rate(club.arrivals(), account_id, now_ms);
  const std::uint32_t usual = rate.usual_thousandths * limits::raid_times_usual / 1'000;
  const std::uint32_t bound = std::max(watch.joins_per_minute, usual);
  const std::uint32_t came = rate.last_minute + 1;
  if (came <= bound) return;
  v1::RaidMode& raid = add_started(decision, club, v1::RAID_TRIGGER_JOIN_RATE, now_ms);
  raid.set_count(came);
  raid.set_bound(bound);
}

std::uint64_t text_key(std::string_view body) {
  // FNV-1a over what is left of the folded text: its letters. A number at the end makes no other text of it.
  constexpr std::uint64_t basis = 14'695'981'039'346'656'037u;
  constexpr std::uint64_t prime = 1'099'511'628'211u;
  std::uint64_t hash = basis;
  std::uint32_t letters = 0;
  for (const char c : fold(body)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && !(byte >= 'a' && byte <= 'z')) continue;
    hash = (hash ^ byte) * prime;
    // Bytes that go on a character of several begin with 10.
    if ((byte & 0xc0) != 0x80) ++letters;
  }
  if (letters < limits::raid_similar_letters) return 0;
  return hash == 0 ? 1 : hash;
}

namespace {

// A cluster while it is counted, from the post that is being decided on.
class Counting {
 public:
  explicit Counting(std::uint64_t author) : authors_{author} {}

  void add(std::uint64_t author) {
    ++posts_;
    if (std::ranges::find(authors_, author) == authors_.end() &&
        authors_.size() < limits::raid_similar_posts) {
      authors_.push_back(author);
    }
  }
  Cluster cluster() const {
    return {.posts = posts_, .authors = static_cast<std::uint32_t>(authors_.size())};
  }

 private:
  std::uint32_t posts_ = 1;
  std::vector<std::uint64_t> authors_;
};

}  // namespace

bool is_young(const ClubState& club, const Actor& actor) {
  const MemberState* author = club.find_member(actor.account_id);
  return author != nullptr && is_newcomer(*author, actor.now_ms - limits::raid_young_ms);
}

Cluster find_cluster(const ClubState& club, std::string_view body, const Actor& actor) {
  if (!is_young(club, actor)) return {};
  const std::uint64_t key = text_key(body);
  if (key == 0) return {};
  Counting counting(actor.account_id);
  for (const YoungPost& post : club.young_posts()) {
    if (post.key != key || actor.now_ms - post.time_ms >= limits::raid_similar_ms) continue;
    counting.add(post.account_id);
  }
  return counting.cluster();
}

Cluster find_cluster(const ClubState& club, std::span<const antispam::RecentTexts::Said> alike,
                     const Actor& actor) {
  if (!is_young(club, actor)) return {};
  Counting counting(actor.account_id);
  for (const auto& said : alike) {
    if (actor.now_ms - said.time_ms >= limits::raid_similar_ms) continue;
    const MemberState* author = club.find_member(said.author);
    if (author == nullptr || !is_newcomer(*author, said.time_ms - limits::raid_young_ms)) continue;
    counting.add(said.author);
  }
  return counting.cluster();
}

void watch_post(Decision& decision, const ClubState& club, const Cluster& cluster,
                const Watch& watch, std::int64_t now_ms) {
  if (cluster.posts < limits::raid_similar_posts ||
      cluster.authors < limits::raid_similar_authors) {
    return;
  }
  if (!may_begin(club, watch, now_ms)) return;
  v1::RaidMode& raid = add_started(decision, club, v1::RAID_TRIGGER_SIMILARITY, now_ms);
  raid.set_count(cluster.posts);
  raid.set_bound(limits::raid_similar_posts);
  raid.set_authors(cluster.authors);
}

std::int64_t newcomers_since(const v1::RaidMode& last, std::int64_t now_ms) {
  const bool lasts = last.raid_id() != 0 && last.end() == v1::RAID_END_UNSPECIFIED;
  const bool recent = last.raid_id() != 0 && now_ms - last.ended_ms() < limits::raid_aftermath_ms;
  return lasts || recent ? last.newcomers_since_ms() : now_ms - limits::newcomer_ms;
}

bool is_newcomer(const MemberState& member, std::int64_t since_ms) {
  return member.joined_ms != 0 && member.joined_ms >= since_ms &&
         rank(member.role) < rank(v1::CLUB_ROLE_COMMITTEE);
}

Result<void> check_invitations_open(const ClubState& club, std::int64_t now_ms) {
  if (!club.in_raid_mode(now_ms)) return {};
  return refuse_raid(club.raid().until_ms(), now_ms, "raid.invitations");
}

}  // namespace amicale::domain
