// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What the rules need to know of a partition, in memory: the fold of its events. Loading it from
// rows gives the same state as folding the log. Each of these belongs to one partition, on its home
// shard.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "amicale/v1/event.pb.h"
#include "amicale/v1/state.pb.h"
#include "server/domain/roles.h"
#include "store/rows.pb.h"

namespace amicale::domain {

// That somebody said something.
struct RecentPost {
  std::int64_t time_ms = 0;
  std::uint64_t author = 0;
};

// A room of a club, or the one room (id 0) of a direct conversation.
struct RoomState {
  std::uint64_t room_id = 0;
  std::string name{};
  std::string topic{};
  v1::RoomAccess access = v1::ROOM_ACCESS_ALL;
  RoleSet roles = 0;  // ROLES: those named
  bool archived = false;
  std::uint64_t head_number = 0;
  std::vector<std::uint64_t> pins{};  // oldest pin first
  bool locked = false;
  std::uint32_t slow_mode_s = 0;
  std::int64_t slow_since_ms = 0;
  // While slow: when each member last posted. Who may post again is forgotten now and then.
  std::unordered_map<std::uint64_t, std::int64_t> last_posts{};

  // Slow mode that began by itself (slow_mode.h).
  std::uint32_t auto_slow_s = 0;
  std::int64_t auto_slow_since_ms = 0;
  std::int64_t auto_slow_until_ms = 0;
  std::int64_t auto_slow_lifted_ms = 0;
  // Of the last ten seconds before the newest; at most limits::busy_room_kept.
  std::deque<RecentPost> recent_posts{};

  // The supervisor reads every room; those of named roles are for these only.
  RoleSet readers() const {
    return access == v1::ROOM_ACCESS_ROLES
               ? static_cast<RoleSet>(roles | bit(v1::CLUB_ROLE_SUPERVISOR))
               : all_roles;
  }
  bool has_pin(std::uint64_t number) const;
  // For how long an account has to wait before it posts again, when the room is slow; 0 = not at all.
  std::int64_t slow_wait_ms(std::uint64_t account_id, std::int64_t now_ms) const;
  // Whether that wait is by the slow mode that began by itself.
  bool is_wait_automatic(std::uint64_t account_id, std::int64_t now_ms) const;
  void note_post(std::uint64_t account_id, std::int64_t time_ms);
  // For who watches how much is said.
  void note_recent(std::uint64_t account_id, std::int64_t time_ms);

 private:
  struct Waits {
    std::int64_t by_hand = 0;
    std::int64_t by_itself = 0;
  };
  Waits waits(std::uint64_t account_id, std::int64_t now_ms) const;
};

// 32 bytes: a club of 1,000 costs 32 KiB. Names stay in the rows; a rule that needs one gets it as
// a fact.
struct MemberState {
  std::uint64_t account_id = 0;
  v1::ClubRole role = v1::CLUB_ROLE_UNSPECIFIED;
  v1::MemberStatus status = v1::MEMBER_STATUS_UNSPECIFIED;
  std::uint64_t charter_version = 0;  // accepted last
  std::int64_t joined_ms = 0;         // when they last came in
};

// What waits for a second member of the committee, until no one may confirm it any more.
struct OpenProposal {
  std::uint64_t proposal_id = 0;
  std::uint64_t account_id = 0;  // whom it is about
  v1::ProposalKind kind = v1::PROPOSAL_KIND_UNSPECIFIED;
  std::int64_t expires_ms = 0;
};

// Somebody who came by a link, to the club or to its waiting list.
struct Arrival {
  std::int64_t time_ms = 0;
  std::uint64_t account_id = 0;
  auto operator<=>(const Arrival&) const = default;
};

// A post of somebody who had just come in, by what it says (raid.h).
struct YoungPost {
  std::int64_t time_ms = 0;
  std::uint64_t account_id = 0;
  std::uint64_t key = 0;
};

// A club. Lookups by binary search over sorted vectors; counts are kept as members change, so that
// a head count is O(1).
class ClubState {
 public:
  // `club_id` is known before the first event: the partition's.
  explicit ClubState(std::uint64_t club_id) { club_.set_club_id(club_id); }

  // Loading from rows, in any order, each once.
  void load(const v1::Club& club);
  void load(const v1::Room& room);
  void load(const v1::Member& member);
  void load(const v1::Invitation& invitation);
  void load(const v1::Sanction& sanction);  // those that stand, and the last one
  void load(const v1::Removal& removal);    // the last one
  void load(const v1::Report& report);      // the open ones, and the last
  void load(const v1::Proposal& proposal);  // the open ones, and the last
  void load(const v1::Charter& charter);    // the one in force
  void load(const v1::RaidMode& raid);      // the last one
  // After its room: a message as recent as the room's slow mode looks back.
  void load(const v1::Message& message);
  void load_last_held_id(std::uint64_t held_id) { last_held_id_ = held_id; }
  // After the members: an event of the log's end, in order. What it says is in the rows already, but for what is watched.
  void load_recent(const v1::Event& event);

  // Folds one event of this club's log. Cannot fail; unknown kinds change nothing.
  void apply(const v1::Event& event);

  bool created() const { return club_.created_ms() != 0; }
  // As it is now; active_members is kept.
  const v1::Club& club() const { return club_; }
  std::uint64_t id() const { return club_.club_id(); }
  // Made to practise on: what is said and done in it teaches nothing about anybody outside.
  bool is_sandbox() const { return club_.sandbox(); }

  const std::vector<RoomState>& rooms() const { return rooms_; }  // by id
  const RoomState* find_room(std::uint64_t room_id) const;
  std::uint64_t last_room_id() const { return rooms_.empty() ? 0 : rooms_.back().room_id; }

  const std::vector<MemberState>& members() const {
    return members_;
  }  // by account id, every status
  const MemberState* find_member(std::uint64_t account_id) const;
  std::uint64_t president() const { return president_; }  // 0 = vacant
  std::uint32_t count(v1::MemberStatus status) const;
  // Active and paused members with one of `roles`.
  std::uint32_t count_readers(RoleSet roles) const;
  // Members who hold a place against the capacity: active, paused and suspended.
  std::uint32_t places_taken() const {
    return count(v1::MEMBER_STATUS_ACTIVE) + count(v1::MEMBER_STATUS_PAUSED) +
           count(v1::MEMBER_STATUS_SUSPENDED);
  }
  bool is_full() const { return places_taken() >= club_.capacity(); }

  std::uint64_t last_invitation_id() const { return last_invitation_id_; }
  std::uint64_t last_held_id() const { return last_held_id_; }

  // What holds an account back, and no event has ended yet. Valid until the next event.
  std::span<const SanctionState> sanctions_on(std::uint64_t account_id) const;
  std::uint64_t last_sanction_id() const { return last_sanction_id_; }
  std::uint64_t last_removal_id() const { return last_removal_id_; }
  std::uint64_t last_report_id() const { return last_report_id_; }
  std::uint32_t open_reports() const { return open_reports_; }
  // Those that no event has closed, by id. Valid until the next event.
  const std::vector<OpenProposal>& open_proposals() const { return open_proposals_; }
  std::uint64_t last_proposal_id() const { return last_proposal_id_; }
  const v1::Charter& charter() const { return charter_; }  // in force; version 0 = none

  // The last raid mode; an id of 0: there never was one.
  const v1::RaidMode& raid() const { return raid_; }
  bool in_raid_mode(std::int64_t now_ms) const {
    return raid_.raid_id() != 0 && raid_.end() == v1::RAID_END_UNSPECIFIED &&
           raid_.until_ms() > now_ms;
  }
  // Of the last hour before the newest, by time.
  std::span<const Arrival> arrivals() const { return arrivals_; }
  // Of the last minute before the newest, in order.
  const std::deque<YoungPost>& young_posts() const { return young_posts_; }

 private:
  void note_arrival(const Arrival& arrival);
  void note_young_post(std::uint64_t author, std::int64_t time_ms, std::string_view body);
  void end_sanction(const v1::SanctionEnded& ended);
  RoomState* mutable_room(std::uint64_t room_id);
  void set_member(const v1::Member& member);

  v1::Club club_;
  std::vector<RoomState> rooms_;
  std::vector<MemberState> members_;
  std::array<std::array<std::uint32_t, v1::ClubRole_ARRAYSIZE>, v1::MemberStatus_ARRAYSIZE>
      counts_{};
  std::uint64_t president_ = 0;
  std::uint64_t last_invitation_id_ = 0;
  std::vector<SanctionState> sanctions_;  // by account id, then by sanction id
  std::uint64_t last_sanction_id_ = 0;
  std::uint64_t last_removal_id_ = 0;
  std::uint64_t last_report_id_ = 0;
  std::uint32_t open_reports_ = 0;
  std::uint64_t last_held_id_ = 0;
  std::vector<OpenProposal> open_proposals_;
  std::uint64_t last_proposal_id_ = 0;
  v1::Charter charter_;
  v1::RaidMode raid_;
  std::vector<Arrival> arrivals_;
  std::deque<YoungPost> young_posts_;
};

// The id of the conversation of two accounts, and back.
constexpr std::uint64_t direct_id(std::uint64_t a, std::uint64_t b) {
  return a < b ? (a << 32) | b : (b << 32) | a;
}
constexpr std::uint64_t lower_side(std::uint64_t direct_id) { return direct_id >> 32; }
constexpr std::uint64_t higher_side(std::uint64_t direct_id) { return direct_id & 0xffff'ffff; }

// A direct conversation. `status` is where it stands beneath any block: it is BLOCKED for as long
// as blocked_by has someone.
class DirectState {
 public:
  explicit DirectState(std::uint64_t direct_id) : direct_id_(direct_id) {}

  void load(const store::DirectRow& row);
  void apply(const v1::Event& event);

  std::uint64_t id() const { return direct_id_; }
  bool is_side(std::uint64_t account_id) const {
    return account_id != 0 &&
           (account_id == lower_side(direct_id_) || account_id == higher_side(direct_id_));
  }
  std::uint64_t other_side(std::uint64_t account_id) const {
    return account_id == lower_side(direct_id_) ? higher_side(direct_id_) : lower_side(direct_id_);
  }
  v1::DirectStatus status() const { return status_; }
  std::uint64_t requested_by() const { return requested_by_; }
  const std::string& introduction() const { return introduction_; }
  const std::vector<std::uint64_t>& blocked_by() const { return blocked_by_; }
  bool is_blocked_by(std::uint64_t account_id) const;
  const RoomState& room() const { return room_; }

  // As one side is shown it: BLOCKED to the side that blocks; the other side is not told.
  v1::DirectStatus status_for(std::uint64_t account_id) const {
    return is_blocked_by(account_id) ? v1::DIRECT_STATUS_BLOCKED : status_;
  }

 private:
  std::uint64_t direct_id_;
  v1::DirectStatus status_ = v1::DIRECT_STATUS_UNSPECIFIED;
  std::uint64_t requested_by_ = 0;
  std::string introduction_;
  std::vector<std::uint64_t> blocked_by_;
  RoomState room_;
};

// An account's own facts. Read marks and levels stay in rows.
class AccountState {
 public:
  explicit AccountState(std::uint64_t account_id) : account_id_(account_id) {}

  void load(const store::AccountRow& row);
  void load(const store::TokenRow& row);  // live tokens, by id
  // Loading the highest token id ever given, live or not: an id is never given twice.
  void load_last_token_id(std::uint64_t token_id);
  void load(const v1::Sanction& sanction);  // of the whole site: the one that stands, and the last
  void apply(const v1::Event& event);

  std::uint64_t id() const { return account_id_; }
  bool opened() const { return !profile_.login().empty(); }
  const v1::ProfileChanged& profile() const { return profile_; }
  v1::SiteRole site_role() const {
    return profile_.site_role() == v1::SITE_ROLE_UNSPECIFIED ? v1::SITE_ROLE_NONE
                                                             : profile_.site_role();
  }
  const std::vector<std::uint64_t>& tokens() const { return tokens_; }  // live, oldest first
  bool has_token(std::uint64_t token_id) const;
  std::uint64_t last_token_id() const { return last_token_id_; }

  // What keeps the account out of the whole site; a kind of UNSPECIFIED is nothing. Its end is judged by who asks.
  const Held& ban() const { return ban_; }
  std::uint64_t last_sanction_id() const { return last_sanction_id_; }

 private:
  std::uint64_t account_id_;
  v1::ProfileChanged profile_;
  std::vector<std::uint64_t> tokens_;
  std::uint64_t last_token_id_ = 0;
  Held ban_;
  std::uint64_t last_sanction_id_ = 0;
};

// The site: the ids it gave, and who runs it.
class SiteState {
 public:
  struct Staff {
    std::uint64_t account_id = 0;
    v1::SiteRole role = v1::SITE_ROLE_NONE;
  };

  void load(const store::SiteRow& row);
  void load(const Staff& staff);                // accounts with a site role other than NONE
  void load(const v1::Invitation& invitation);  // invitations to the site itself
  void apply(const v1::Event& event);

  bool created() const { return !name_.empty(); }
  const std::string& name() const { return name_; }
  std::uint64_t last_account_id() const { return last_account_id_; }
  std::uint64_t last_club_id() const { return last_club_id_; }
  std::uint64_t last_invitation_id() const { return last_invitation_id_; }
  const std::vector<Staff>& staff() const { return staff_; }
  v1::SiteRole role_of(std::uint64_t account_id) const;
  std::uint32_t owners() const;

 private:
  void set_role(const Staff& staff);

  std::string name_;
  std::uint64_t last_account_id_ = 0;
  std::uint64_t last_club_id_ = 0;
  std::uint64_t last_invitation_id_ = 0;
  std::vector<Staff> staff_;
};

// Who asks, in a club: the membership that the state holds, and what holds it back at `now_ms`, with the
// site role of their account. In a club that was never created, nobody with any right.
Actor actor_in(const ClubState& club, std::uint64_t account_id, v1::SiteRole site_role,
               std::int64_t now_ms);

// Who asks, where no club is concerned.
constexpr Actor actor_on_site(std::uint64_t account_id, v1::SiteRole site_role) {
  return {.account_id = account_id, .site_role = site_role};
}

// The operator's console: no account, and an owner's rights.
inline constexpr Actor console{.account_id = 0, .site_role = v1::SITE_ROLE_OWNER};

}  // namespace amicale::domain
