// SPDX-License-Identifier: Apache-2.0
//
// The state of everything that a client follows, folded from its happenings: apply each one, then
// show what is here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "amicale/client/happening.h"
#include "amicale/client/timeline.h"

namespace amicale::client {

struct RoomState {
  v1::Room room;  // head_number and pins as of now
  Timeline timeline;
};

// Who is present. Up to about 100, `accounts` is everyone; above, `whole` is false, `count` is
// right and `accounts` a sample.
struct PresenceState {
  std::set<std::uint64_t> accounts;
  std::uint32_t count = 0;
  bool whole = true;
};

struct ClubState {
  v1::Club club;
  v1::Member me;
  std::map<std::uint64_t, RoomState> rooms;     // by room id; those that this account may read
  std::map<std::uint64_t, v1::Member> members;  // by account id; grows by events and ListMembers
  std::uint64_t members_after =
      0;  // > 0: more members than are loaded; call ListMembers with `after`
  // Names that LookUpNames gave: people who left, and staff. Empty: asked, and nobody has that name to give.
  std::map<std::uint64_t, std::string> names;
  // Sanctions that stand, by id: this account's own, and for who moderates those that began while this was followed.
  // One whose until_ms has passed holds nothing back any more, whether or not its end has been told.
  std::map<std::uint64_t, v1::Sanction> sanctions;
  // Raid mode, absent when there is none. One whose until_ms has passed is over, whether or not that has been told.
  std::optional<v1::RaidMode> raid;
  PresenceState presence;
  std::uint64_t seq = 0;  // what the club, its rooms and its members are as of
  bool ended = false;     // may not be followed any more
};

struct DirectState {
  v1::Direct direct;
  Timeline timeline;
  bool ended = false;
};

struct AccountState {
  std::uint64_t account_id = 0;
  std::string login;
  std::string display_name;
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
  v1::SiteRole site_role = v1::SITE_ROLE_UNSPECIFIED;
  std::map<std::uint64_t, v1::Device> devices;
  std::map<std::uint64_t, v1::MembershipNoticed>
      memberships;                  // as noticed since the snapshot; ListClubs has all
  std::set<std::uint64_t> directs;  // as noticed since the snapshot; ListDirects has all
  std::vector<v1::Sanction>
      sanctions;  // as noticed since the snapshot, each as it last was; ListOwnSanctions has all
};

struct TypingState {
  std::vector<std::uint64_t> accounts;  // at most 3
  std::uint32_t others = 0;             // how many more
};

// Not thread-safe: a plain value, owned by the thread that shows it.
class Model {
 public:
  // `now` dates typing signals. True: something that can be shown has changed.
  bool apply(const Happening& happening, Time now);

  const AccountState& account() const { return account_; }
  const std::map<std::uint64_t, ClubState>& clubs() const { return clubs_; }
  const std::map<std::uint64_t, DirectState>& directs() const { return directs_; }
  const ClubState* club(std::uint64_t club_id) const;
  const DirectState* direct(std::uint64_t direct_id) const;
  // A club's room (room_id) or a direct conversation (room_id 0). Null: not followed.
  const Timeline* timeline(Stream stream, std::uint64_t room_id) const;
  Timeline* timeline(Stream stream, std::uint64_t room_id);

  // Number up to which this account has read; 0 = nothing. From the account's own stream.
  std::uint64_t read_mark(Stream stream, std::uint64_t room_id) const;
  // head - read mark. 0 for what is not followed.
  std::uint64_t unread(Stream stream, std::uint64_t room_id) const;
  // MENTIONS unless set otherwise.
  v1::NotificationLevel level(Stream stream, std::uint64_t room_id) const;
  // Who types there; lapses six seconds after the last signal. Without this account.
  TypingState typing(Stream stream, std::uint64_t room_id, Time now) const;
  // The display name of an account in that stream; "" = not known.
  std::string name(Stream stream, std::uint64_t account_id) const;
  // What holds this account back in that room at `now_ms` (Unix milliseconds by the server's clock): to be shown instead of
  // the composer. Null: nothing does.
  const v1::Sanction* hold(Stream stream, std::uint64_t room_id, std::int64_t now_ms) const;
  // The raid mode that holds this account back in that club at `now_ms`, since it has just come in. Null: none does.
  const v1::RaidMode* raid_hold(Stream stream, std::int64_t now_ms) const;
  // The name under which to show a message: its author's, or the one it was imported under.
  std::string author_name(Stream stream, const v1::Message& message) const;
  // True if `message` mentions this account by id, by @committee or by @all.
  bool mentions_me(Stream stream, const v1::Message& message) const;

 private:
  struct RoomKey {
    Stream stream;
    std::uint64_t room_id = 0;
    friend auto operator<=>(const RoomKey&, const RoomKey&) = default;
  };
  struct TypingSeen {
    TypingState who;
    Time at;
  };

  bool apply_snapshot(const Resynced& resynced);
  bool apply_renewal(const Renewed& renewed);
  ClubState& take_club(Stream stream, const v1::ClubSnapshot& snapshot, std::uint64_t seq,
                       const std::set<std::uint64_t>& held);
  bool end(Stream stream);
  bool may_read(const ClubState& club, const v1::Room& room) const;
  void drop_closed(ClubState& club);
  bool apply_club(ClubState& club, const v1::Event& event);
  bool apply_account(const v1::Event& event);
  bool apply_direct(DirectState& direct, const v1::Event& event);
  bool apply_signal(const v1::Signal& signal, Time now);
  bool apply_answer(const Answered& answered);
  RoomState& room_of(ClubState& club, const v1::Room& room, std::uint64_t seq);

  AccountState account_;
  std::map<std::uint64_t, ClubState> clubs_;
  std::map<std::uint64_t, DirectState> directs_;
  std::map<RoomKey, std::uint64_t> read_marks_;
  std::map<RoomKey, v1::NotificationLevel> levels_;
  std::map<RoomKey, TypingSeen> typing_;
};

}  // namespace amicale::client
