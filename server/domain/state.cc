// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/state.h"

#include <algorithm>
#include <utility>

#include "server/domain/limits.h"
#include "server/domain/raid.h"

namespace amicale::domain {
namespace {

// Where `key` is, or would be inserted, in a vector sorted by `projection`.
template <typename Vector, typename Projection>
auto place_of(Vector& sorted, std::uint64_t key, Projection projection) {
  return std::ranges::lower_bound(sorted, key, {}, projection);
}

void fill_room(RoomState& room, const v1::Room& from) {
  room.room_id = from.room_id();
  room.name = from.name();
  room.topic = from.topic();
  room.access = from.access();
  room.archived = from.archived();
  room.locked = from.locked();
  if (room.slow_since_ms != from.slow_since_ms()) room.last_posts.clear();
  room.slow_mode_s = from.slow_mode_s();
  room.slow_since_ms = from.slow_since_ms();
  room.roles = 0;
  for (const int role : from.roles()) room.roles |= bit(static_cast<v1::ClubRole>(role));
}

void set_pin(RoomState& room, std::uint64_t number, bool pinned) {
  if (!pinned) {
    std::erase(room.pins, number);
  } else if (!room.has_pin(number)) {
    room.pins.push_back(number);
  }
}

}  // namespace

namespace {

Held held_by(const v1::Sanction& sanction) {
  return {.sanction_id = sanction.sanction_id(),
          .club_id = sanction.club_id(),
          .room_id = sanction.room_id(),
          .until_ms = sanction.until_ms(),
          .kind = sanction.kind(),
          .reason = sanction.reason()};
}

// Whether a sanction lasts at all, and has not ended.
bool holds(const v1::Sanction& sanction) {
  if (sanction.end() != v1::SANCTION_END_UNSPECIFIED) return false;
  return sanction.kind() == v1::SANCTION_KIND_MUTE ||
         sanction.kind() == v1::SANCTION_KIND_SUSPENSION ||
         sanction.kind() == v1::SANCTION_KIND_BAN;
}

}  // namespace

bool RoomState::has_pin(std::uint64_t number) const {
  return std::ranges::find(pins, number) != pins.end();
}

RoomState::Waits RoomState::waits(std::uint64_t account_id, std::int64_t now_ms) const {
  const bool by_itself = auto_slow_until_ms > now_ms;
  if (slow_mode_s == 0 && !by_itself) return {};
  const auto last = last_posts.find(account_id);
  if (last == last_posts.end()) return {};
  const auto left = [&](std::uint32_t seconds) {
    return std::max<std::int64_t>(0, last->second + seconds * std::int64_t{1'000} - now_ms);
  };
  Waits waits;
  if (slow_mode_s != 0 && last->second >= slow_since_ms) waits.by_hand = left(slow_mode_s);
  if (by_itself && last->second > auto_slow_since_ms) {
    // Not longer than it lasts.
    waits.by_itself = std::min(left(auto_slow_s), auto_slow_until_ms - now_ms);
  }
  return waits;
}

std::int64_t RoomState::slow_wait_ms(std::uint64_t account_id, std::int64_t now_ms) const {
  const Waits both = waits(account_id, now_ms);
  return std::max(both.by_hand, both.by_itself);
}

bool RoomState::is_wait_automatic(std::uint64_t account_id, std::int64_t now_ms) const {
  const Waits both = waits(account_id, now_ms);
  return both.by_itself > both.by_hand;
}

void RoomState::note_recent(std::uint64_t account_id, std::int64_t time_ms) {
  recent_posts.push_back({.time_ms = time_ms, .author = account_id});
  while (recent_posts.size() > limits::busy_room_kept ||
         time_ms - recent_posts.front().time_ms >= limits::post_window_ms) {
    recent_posts.pop_front();
  }
}

void RoomState::note_post(std::uint64_t account_id, std::int64_t time_ms) {
  const bool by_hand = slow_mode_s != 0 && time_ms >= slow_since_ms;
  const bool by_itself = auto_slow_until_ms > time_ms && time_ms > auto_slow_since_ms;
  if (!by_hand && !by_itself) return;
  std::int64_t& last = last_posts[account_id];
  last = std::max(last, time_ms);
  // Looked through only when it has grown by a half: a post must not cost as much as there are members.
  constexpr std::size_t few = 256;
  if (last_posts.size() < few || last_posts.size() < last_posts.bucket_count() / 2) return;
  std::erase_if(last_posts, [&](const auto& entry) {
    return entry.second + std::max(slow_mode_s, auto_slow_s) * std::int64_t{1'000} <= time_ms;
  });
}

// --- ClubState ---

void ClubState::load(const v1::Club& club) {
  const std::uint32_t active = club_.active_members();
  club_ = club;
  club_.set_active_members(active);
}

void ClubState::load(const v1::Room& room) {
  const auto at = place_of(rooms_, room.room_id(), &RoomState::room_id);
  RoomState& loaded = *rooms_.emplace(at);
  fill_room(loaded, room);
  loaded.auto_slow_s = room.auto_slow_s();
  loaded.auto_slow_since_ms = room.auto_slow_since_ms();
  loaded.auto_slow_until_ms = room.auto_slow_until_ms();
  loaded.auto_slow_lifted_ms = room.auto_slow_lifted_ms();
  loaded.head_number = room.head_number();
  loaded.pins.assign(room.pins().begin(), room.pins().end());
}

void ClubState::load(const v1::Member& member) { set_member(member); }

void ClubState::load(const v1::Invitation& invitation) {
  last_invitation_id_ = std::max(last_invitation_id_, invitation.invitation_id());
}

void ClubState::load(const v1::Sanction& sanction) {
  last_sanction_id_ = std::max(last_sanction_id_, sanction.sanction_id());
  if (!holds(sanction)) return;
  const auto order = [](const SanctionState& s) {
    return std::pair(s.account_id, s.held.sanction_id);
  };
  const std::pair key(sanction.account_id(), sanction.sanction_id());
  const auto at = std::ranges::lower_bound(sanctions_, key, {}, order);
  if (at != sanctions_.end() && order(*at) == key) return;
  sanctions_.insert(at, {.account_id = sanction.account_id(),
                         .held = held_by(sanction),
                         .by_site = sanction.by_site(),
                         .status_before = sanction.status_before()});
}

std::span<const SanctionState> ClubState::sanctions_on(std::uint64_t account_id) const {
  if (sanctions_.empty()) return {};
  const auto [from, to] =
      std::ranges::equal_range(sanctions_, account_id, {}, &SanctionState::account_id);
  return {from, to};
}

void ClubState::end_sanction(const v1::SanctionEnded& ended) {
  std::erase_if(sanctions_, [&](const SanctionState& s) {
    return s.account_id == ended.account_id() && s.held.sanction_id == ended.sanction_id();
  });
}

void ClubState::load(const v1::Removal& removal) {
  last_removal_id_ = std::max(last_removal_id_, removal.removal_id());
}

void ClubState::load(const v1::Report& report) {
  if (report.state() == v1::REPORT_STATE_OPEN) ++open_reports_;
  last_report_id_ = std::max(last_report_id_, report.report_id());
}

void ClubState::load(const v1::Proposal& proposal) {
  last_proposal_id_ = std::max(last_proposal_id_, proposal.proposal_id());
  if (proposal.state() != v1::PROPOSAL_STATE_OPEN) return;
  const auto at = place_of(open_proposals_, proposal.proposal_id(), &OpenProposal::proposal_id);
  if (at != open_proposals_.end() && at->proposal_id == proposal.proposal_id()) return;
  open_proposals_.insert(at, {.proposal_id = proposal.proposal_id(),
                              .account_id = proposal.account_id(),
                              .kind = proposal.kind(),
                              .expires_ms = proposal.expires_ms()});
}

void ClubState::load(const v1::Charter& charter) {
  if (charter.version() <= charter_.version()) return;
  charter_ = charter;
  club_.set_charter_version(charter.version());
}

void ClubState::load(const v1::RaidMode& raid) { raid_ = raid; }

void ClubState::load_recent(const v1::Event& event) {
  if (!event.has_message_posted() || !event.message_posted().imported_author().empty()) return;
  // One that was held had its time.
  if (event.message_posted().author() != 0) return;
  if (RoomState* room = mutable_room(event.message_posted().room_id())) {
    room->note_recent(event.actor(), event.time_ms());
  }
  note_young_post(event.actor(), event.time_ms(), event.message_posted().body());
}

void ClubState::note_arrival(const Arrival& arrival) {
  constexpr std::int64_t kept_ms = (limits::raid_usual_minutes + 1) * std::int64_t{60'000};
  if (!arrivals_.empty() && arrival.time_ms <= arrivals_.back().time_ms - kept_ms) return;
  if (std::ranges::binary_search(arrivals_, arrival)) return;
  std::erase_if(arrivals_,
                [&](const Arrival& known) { return known.account_id == arrival.account_id; });
  arrivals_.insert(std::ranges::lower_bound(arrivals_, arrival), arrival);
  auto keep = std::ranges::upper_bound(arrivals_, arrivals_.back().time_ms - kept_ms, {},
                                       &Arrival::time_ms);
  if (arrivals_.end() - keep > static_cast<std::ptrdiff_t>(limits::raid_arrivals_kept)) {
    keep = arrivals_.end() - static_cast<std::ptrdiff_t>(limits::raid_arrivals_kept);
  }
  arrivals_.erase(arrivals_.begin(), keep);
}

void ClubState::note_young_post(std::uint64_t author, std::int64_t time_ms, std::string_view body) {
  const MemberState* member = find_member(author);
  if (member == nullptr || !is_newcomer(*member, time_ms - limits::raid_young_ms)) return;
  const std::uint64_t key = text_key(body);
  if (key == 0) return;
  young_posts_.push_back({.time_ms = time_ms, .account_id = author, .key = key});
  while (young_posts_.size() > limits::raid_posts_kept ||
         time_ms - young_posts_.front().time_ms >= limits::raid_similar_ms) {
    young_posts_.pop_front();
  }
}

void ClubState::load(const v1::Message& message) {
  if (!message.imported_author().empty()) return;
  if (RoomState* room = mutable_room(message.room_id())) {
    room->note_post(message.author(), message.time_ms());
  }
}

void ClubState::apply(const v1::Event& event) {
  switch (event.body_case()) {
    case v1::Event::kClubCreated: load(event.club_created().club()); break;
    case v1::Event::kClubChanged: {
      const v1::ClubChanged& changed = event.club_changed();
      club_.set_name(changed.name());
      club_.set_purpose(changed.purpose());
      club_.set_language(changed.language());
      club_.set_capacity(changed.capacity());
      club_.set_watch_off(changed.watch_off());
      break;
    }
    case v1::Event::kRoomCreated: load(event.room_created().room()); break;
    case v1::Event::kRoomChanged: {
      const v1::Room& changed = event.room_changed().room();
      if (RoomState* room = mutable_room(changed.room_id())) fill_room(*room, changed);
      break;
    }
    case v1::Event::kMemberChanged: set_member(event.member_changed().member()); break;
    case v1::Event::kInvitationCreated: load(event.invitation_created().invitation()); break;
    case v1::Event::kSanctionImposed: load(event.sanction_imposed().sanction()); break;
    case v1::Event::kSanctionEnded: end_sanction(event.sanction_ended()); break;
    case v1::Event::kReportFiled:
      // One more who tells of the same opens nothing.
      if (event.report_filed().report_id() > last_report_id_) {
        last_report_id_ = event.report_filed().report_id();
        ++open_reports_;
      }
      break;
    case v1::Event::kReportResolved: --open_reports_; break;
    case v1::Event::kCharterAdopted: load(event.charter_adopted().charter()); break;
    case v1::Event::kCharterAccepted: {
      const v1::CharterAccepted& accepted = event.charter_accepted();
      const auto at = place_of(members_, accepted.account_id(), &MemberState::account_id);
      if (at != members_.end() && at->account_id == accepted.account_id()) {
        at->charter_version = accepted.version();
      }
      break;
    }
    case v1::Event::kActProposed: load(event.act_proposed().proposal()); break;
    case v1::Event::kProposalClosed: {
      const std::uint64_t closed = event.proposal_closed().proposal_id();
      std::erase_if(open_proposals_,
                    [&](const OpenProposal& open) { return open.proposal_id == closed; });
      break;
    }
    case v1::Event::kMessagesRemoved: load(event.messages_removed().removal()); break;
    case v1::Event::kMessagePosted: {
      const v1::MessagePosted& posted = event.message_posted();
      if (RoomState* room = mutable_room(posted.room_id())) {
        room->head_number = posted.number();
        // Of a held message it is whose words they are that waits, not who released them.
        const std::uint64_t author = posted.author() != 0 ? posted.author() : event.actor();
        if (posted.imported_author().empty()) room->note_post(author, event.time_ms());
      }
      load_recent(event);
      break;
    }
    case v1::Event::kRoomSlowed: {
      const v1::RoomSlowed& slowed = event.room_slowed();
      if (RoomState* room = mutable_room(slowed.room_id())) {
        if (room->slow_mode_s == 0) room->last_posts.clear();
        room->auto_slow_s = slowed.slow_mode_s();
        room->auto_slow_since_ms = event.time_ms();
        room->auto_slow_until_ms = slowed.until_ms();
      }
      break;
    }
    case v1::Event::kRoomSlowEnded:
      if (RoomState* room = mutable_room(event.room_slow_ended().room_id())) {
        room->auto_slow_s = 0;
        room->auto_slow_until_ms = 0;
        if (event.room_slow_ended().lifted()) room->auto_slow_lifted_ms = event.time_ms();
      }
      break;
    case v1::Event::kRaidModeStarted: load(event.raid_mode_started().raid()); break;
    case v1::Event::kRaidModeProlonged:
      raid_.set_until_ms(event.raid_mode_prolonged().until_ms());
      break;
    case v1::Event::kRaidModeEnded: {
      const bool lapsed = event.raid_mode_ended().end() == v1::RAID_END_LAPSED;
      raid_.set_end(event.raid_mode_ended().end());
      raid_.set_ended_ms(lapsed ? raid_.until_ms() : event.time_ms());
      raid_.set_ended_by(event.actor());
      break;
    }
    case v1::Event::kMessageHeld: last_held_id_ = event.message_held().held_id(); break;
    case v1::Event::kMessagePinned: {
      const v1::MessagePinned& pinned = event.message_pinned();
      if (RoomState* room = mutable_room(pinned.room_id())) {
        set_pin(*room, pinned.number(), pinned.pinned());
      }
      break;
    }
    default: break;
  }
}

const RoomState* ClubState::find_room(std::uint64_t room_id) const {
  const auto at = place_of(rooms_, room_id, &RoomState::room_id);
  return at != rooms_.end() && at->room_id == room_id ? &*at : nullptr;
}

RoomState* ClubState::mutable_room(std::uint64_t room_id) {
  const auto at = place_of(rooms_, room_id, &RoomState::room_id);
  return at != rooms_.end() && at->room_id == room_id ? &*at : nullptr;
}

const MemberState* ClubState::find_member(std::uint64_t account_id) const {
  const auto at = place_of(members_, account_id, &MemberState::account_id);
  return at != members_.end() && at->account_id == account_id ? &*at : nullptr;
}

std::uint32_t ClubState::count(v1::MemberStatus status) const {
  std::uint32_t sum = 0;
  for (const std::uint32_t of_role : counts_[static_cast<std::size_t>(status)]) sum += of_role;
  return sum;
}

std::uint32_t ClubState::count_readers(RoleSet roles) const {
  std::uint32_t sum = 0;
  for (std::size_t role = 1; role < counts_[0].size(); ++role) {
    if ((roles & (1u << role)) == 0) continue;
    sum += counts_[v1::MEMBER_STATUS_ACTIVE][role] + counts_[v1::MEMBER_STATUS_PAUSED][role];
  }
  return sum;
}

void ClubState::set_member(const v1::Member& member) {
  // Values that a newer version wrote are outside the tables: they stand for nobody's right.
  const bool known =
      v1::ClubRole_IsValid(member.role()) && v1::MemberStatus_IsValid(member.status());
  const v1::ClubRole role = known ? member.role() : v1::CLUB_ROLE_UNSPECIFIED;
  const v1::MemberStatus status = known ? member.status() : v1::MEMBER_STATUS_UNSPECIFIED;

  auto at = place_of(members_, member.account_id(), &MemberState::account_id);
  if (at == members_.end() || at->account_id != member.account_id()) {
    at = members_.insert(at, MemberState{.account_id = member.account_id()});
  } else {
    --counts_[at->status][at->role];
  }
  at->role = role;
  at->status = status;
  at->charter_version = member.charter_version();
  at->joined_ms = member.joined_ms();
  if (member.arrived_ms() != 0) note_arrival({member.arrived_ms(), member.account_id()});
  ++counts_[status][role];
  club_.set_active_members(count(v1::MEMBER_STATUS_ACTIVE));

  const bool presides = role == v1::CLUB_ROLE_PRESIDENT && has(readers, status);
  if (presides) {
    president_ = member.account_id();
  } else if (president_ == member.account_id()) {
    president_ = 0;
  }
}

// --- DirectState ---

void DirectState::load(const store::DirectRow& row) {
  status_ = row.status();
  requested_by_ = row.requested_by();
  introduction_ = row.introduction();
  blocked_by_.assign(row.blocked_by().begin(), row.blocked_by().end());
  room_.head_number = row.head_number();
}

void DirectState::apply(const v1::Event& event) {
  switch (event.body_case()) {
    case v1::Event::kDirectChanged: {
      const v1::DirectChanged& changed = event.direct_changed();
      status_ = changed.status();
      requested_by_ = changed.requested_by();
      introduction_ = changed.introduction();
      blocked_by_.assign(changed.blocked_by().begin(), changed.blocked_by().end());
      break;
    }
    case v1::Event::kMessagePosted: room_.head_number = event.message_posted().number(); break;
    default: break;
  }
}

bool DirectState::is_blocked_by(std::uint64_t account_id) const {
  return std::ranges::find(blocked_by_, account_id) != blocked_by_.end();
}

// --- AccountState ---

void AccountState::load(const store::AccountRow& row) {
  profile_.set_login(row.login());
  profile_.set_display_name(row.display_name());
  profile_.set_language(row.language());
  profile_.set_site_role(row.site_role());
}

void AccountState::load(const store::TokenRow& row) {
  const auto at = std::ranges::lower_bound(tokens_, row.token_id());
  if (at == tokens_.end() || *at != row.token_id()) tokens_.insert(at, row.token_id());
  load_last_token_id(row.token_id());
}

void AccountState::load_last_token_id(std::uint64_t token_id) {
  last_token_id_ = std::max(last_token_id_, token_id);
}

void AccountState::load(const v1::Sanction& sanction) {
  last_sanction_id_ = std::max(last_sanction_id_, sanction.sanction_id());
  if (holds(sanction)) ban_ = held_by(sanction);
}

void AccountState::apply(const v1::Event& event) {
  switch (event.body_case()) {
    case v1::Event::kProfileChanged: profile_ = event.profile_changed(); break;
    case v1::Event::kTokenIssued:
      tokens_.push_back(event.token_issued().token_id());
      load_last_token_id(event.token_issued().token_id());
      break;
    case v1::Event::kTokenRevoked: std::erase(tokens_, event.token_revoked().token_id()); break;
    case v1::Event::kSanctionImposed: load(event.sanction_imposed().sanction()); break;
    case v1::Event::kSanctionEnded:
      if (ban_.sanction_id == event.sanction_ended().sanction_id()) ban_ = {};
      break;
    default: break;
  }
}

bool AccountState::has_token(std::uint64_t token_id) const {
  return std::ranges::binary_search(tokens_, token_id);
}

// --- SiteState ---

void SiteState::load(const store::SiteRow& row) {
  name_ = row.name();
  last_account_id_ = std::max(last_account_id_, row.last_account_id());
  last_club_id_ = std::max(last_club_id_, row.last_club_id());
}

void SiteState::load(const Staff& staff) { set_role(staff); }

void SiteState::load(const v1::Invitation& invitation) {
  last_invitation_id_ = std::max(last_invitation_id_, invitation.invitation_id());
}

void SiteState::apply(const v1::Event& event) {
  switch (event.body_case()) {
    case v1::Event::kSiteCreated: name_ = event.site_created().name(); break;
    case v1::Event::kClubRegistered:
      last_club_id_ = std::max(last_club_id_, event.club_registered().club_id());
      break;
    case v1::Event::kAccountRegistered:
      last_account_id_ = std::max(last_account_id_, event.account_registered().account_id());
      break;
    case v1::Event::kSiteRoleChanged:
      set_role({event.site_role_changed().account_id(), event.site_role_changed().role()});
      break;
    case v1::Event::kInvitationCreated: load(event.invitation_created().invitation()); break;
    default: break;
  }
}

void SiteState::set_role(const Staff& staff) {
  const auto at = place_of(staff_, staff.account_id, &Staff::account_id);
  const bool found = at != staff_.end() && at->account_id == staff.account_id;
  if (!is_site_staff(staff.role)) {
    if (found) staff_.erase(at);
  } else if (found) {
    at->role = staff.role;
  } else {
    staff_.insert(at, staff);
  }
}

v1::SiteRole SiteState::role_of(std::uint64_t account_id) const {
  const auto at = place_of(staff_, account_id, &Staff::account_id);
  return at != staff_.end() && at->account_id == account_id ? at->role : v1::SITE_ROLE_NONE;
}

std::uint32_t SiteState::owners() const {
  return static_cast<std::uint32_t>(std::ranges::count(staff_, v1::SITE_ROLE_OWNER, &Staff::role));
}

Actor actor_in(const ClubState& club, std::uint64_t account_id, v1::SiteRole site_role,
               std::int64_t now_ms) {
  // In a club that does not exist nobody has a right, not even the site's owner.
  if (!club.created()) return {.account_id = account_id, .site_role = v1::SITE_ROLE_NONE};
  Actor actor{.account_id = account_id, .site_role = site_role};
  actor.club_id = club.id();
  actor.sanctions = club.sanctions_on(account_id);
  actor.now_ms = now_ms;
  if (const MemberState* member = club.find_member(account_id)) {
    actor.role = member->role;
    actor.status = member->status;
    actor.charter_version = member->charter_version;
    if (club.in_raid_mode(now_ms) && is_newcomer(*member, club.raid().newcomers_since_ms())) {
      actor.raid_until_ms = club.raid().until_ms();
    }
  }
  return actor;
}

}  // namespace amicale::domain
