// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Rules of raid mode: for a time, those who have just come to a club read and change nothing, and no link lets anybody
// in. Who was here before is not touched; when it ends, everything is as before, since nothing was changed.
//
// It is an event in the club's one order, and ends by the clock as sanctions do. It begins by hand, or by itself when a
// decision is taken that shows a raid: an arrival, or a post. What is watched for are pure functions of the club's state
// and of the log's time, so that the same log decides the same.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "amicale/v1/moderation.pb.h"
#include "server/domain/antispam/recent_texts.h"
#include "server/domain/decision.h"
#include "server/domain/state.h"

namespace amicale::domain {

// What a server looks out for by itself, from its configuration.
struct Watch {
  std::uint32_t joins_per_minute = 0;  // 0: raid mode does not start by itself
  std::uint32_t busy_room_posts = 0;   // in ten seconds; 0: no room is slowed down by itself
};

// --- By hand: the committee, and site staff ---

// Starts it, or gives the one that lasts another end. object_id: its id.
Result<Decision> start_raid_mode(const ClubState& club, const v1::StartRaidMode& request,
                                 const Actor& actor);
// object_id: its id. CONFLICT when there is none.
Result<Decision> end_raid_mode(const ClubState& club, const v1::EndRaidMode& request,
                               const Actor& actor);

// Says of the one whose time is over that it is. Empty when there is none.
Decision lapse_raid_mode(const ClubState& club, std::int64_t now_ms);

// --- By itself ---

// How many came by a link in the last minute, and how many usually do: a mean of the hour before, in thousandths, in which
// a minute weighs an eighth and seven eighths are left to the older ones.
struct JoinRate {
  std::uint32_t last_minute = 0;
  std::uint32_t usual_thousandths = 0;
};
// Of others than `without`: whoever is coming now counts once, whether or not they came before.
JoinRate join_rate(std::span<const Arrival> arrivals, std::uint64_t without, std::int64_t now_ms);

// Appends the start of raid mode when the arrival of `account_id` is one too many.
void watch_arrival(Decision& decision, const ClubState& club, std::uint64_t account_id,
                   const Watch& watch, std::int64_t now_ms);

// Posts that say nearly the same within limits::raid_similar_ms, by accounts that came in less than
// limits::raid_young_ms ago; the one that is being decided is among them.
struct Cluster {
  std::uint32_t posts = 0;
  std::uint32_t authors = 0;
};

// What two texts have in common that differ in case, accents, digits, spaces and marks alone. 0: too short to tell.
std::uint64_t text_key(std::string_view body);

// The cluster that a post of `actor` completes, by text_key. Empty when they are not young here.
Cluster find_cluster(const ClubState& club, std::string_view body, const Actor& actor);

// The same, by the texts like it that anti-spam knows of the last limits::raid_similar_ms: those with some words changed
// count, and those that were held.
Cluster find_cluster(const ClubState& club, std::span<const antispam::RecentTexts::Said> alike,
                     const Actor& actor);

// Whether `actor` came in less than limits::raid_young_ms ago, so that their posts are compared.
bool is_young(const ClubState& club, const Actor& actor);

// Appends the start of raid mode when a post completes a large enough cluster.
void watch_post(Decision& decision, const ClubState& club, const Cluster& cluster,
                const Watch& watch, std::int64_t now_ms);

// --- What it holds back ---

// Whose arrival at or after that instant makes them a newcomer: of the club's last raid mode while that is recent,
// else of a day before now.
std::int64_t newcomers_since(const v1::RaidMode& last, std::int64_t now_ms);

// Whoever is of the committee came by its own trust.
bool is_newcomer(const MemberState& member, std::int64_t since_ms);

// RAID_MODE while invitations are paused: for who makes one, and for whom one would let in. Asking for a decision of the
// committee stays open.
Result<void> check_invitations_open(const ClubState& club, std::int64_t now_ms);

}  // namespace amicale::domain
