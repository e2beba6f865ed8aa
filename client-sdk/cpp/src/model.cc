// SPDX-License-Identifier: Apache-2.0
#include "amicale/client/model.h"

#include <algorithm>
#include <utility>

namespace amicale::client {
namespace {

constexpr Milliseconds typing_lapses{6000};

std::vector<std::uint64_t> pins_of(const v1::Room& room) {
  return {room.pins().begin(), room.pins().end()};
}

bool is_reader(const v1::Member& member) {
  return member.status() == v1::MEMBER_STATUS_ACTIVE || member.status() == v1::MEMBER_STATUS_PAUSED;
}

bool is_active(const v1::Member& member) { return member.status() == v1::MEMBER_STATUS_ACTIVE; }

// What a change of a room tells: all but what follows from its messages.
void take_facts(RoomState& state, const v1::Room& room) {
  state.room = room;
  state.room.set_head_number(state.timeline.head());
  state.room.mutable_pins()->Assign(state.timeline.pins().begin(), state.timeline.pins().end());
}

template <class... Fs>
struct Each : Fs... {
  using Fs::operator()...;
};

}  // namespace

bool Model::apply(const Happening& happening, Time now) {
  const Each each{
      [&](const Online& online) {
        account_.account_id = online.me.account_id();
        account_.display_name = online.me.display_name();
        account_.language = online.me.language();
        account_.site_role = online.me.site_role();
        return true;
      },
      [&](const Waiting&) {
        typing_.clear();
        return true;
      },
      [&](const Resynced& resynced) { return apply_snapshot(resynced); },
      [&](const Renewed& renewed) { return apply_renewal(renewed); },
      [&](const Batch& batch) {
        bool changed = false;
        for (const v1::Event& event : batch.events) {
          if (batch.stream.kind == v1::STREAM_KIND_CLUB) {
            const auto club = clubs_.find(batch.stream.id);
            if (club != clubs_.end()) changed |= apply_club(club->second, event);
          } else if (batch.stream.kind == v1::STREAM_KIND_DIRECT) {
            const auto direct = directs_.find(batch.stream.id);
            if (direct != directs_.end()) changed |= apply_direct(direct->second, event);
          } else if (batch.stream.kind == v1::STREAM_KIND_ACCOUNT) {
            changed |= apply_account(event);
          }
        }
        return changed;
      },
      [&](const Ended& ended) { return end(ended.stream); },
      [&](const FollowRefused& refused) { return end(refused.stream); },
      [&](const Signalled& signalled) { return apply_signal(signalled.signal, now); },
      [&](const Posting& posting) {
        Timeline* room =
            timeline(Stream::from(posting.request.stream()), posting.request.room_id());
        if (room == nullptr) return false;
        room->echo(posting.request, posting.author, posting.time_ms);
        return true;
      },
      [&](const Answered& answered) { return apply_answer(answered); },
      [](const auto&) { return true; },
  };
  return std::visit(each, happening);
}

// Followed no more. What is held of it can still be shown.
bool Model::end(Stream stream) {
  if (const auto club = clubs_.find(stream.id);
      stream.kind == v1::STREAM_KIND_CLUB && club != clubs_.end()) {
    club->second.ended = true;
  }
  if (const auto direct = directs_.find(stream.id);
      stream.kind == v1::STREAM_KIND_DIRECT && direct != directs_.end()) {
    direct->second.ended = true;
  }
  return true;
}

bool Model::may_read(const ClubState& club, const v1::Room& room) const {
  return room.access() != v1::ROOM_ACCESS_ROLES || account_.site_role == v1::SITE_ROLE_STAFF ||
         account_.site_role == v1::SITE_ROLE_OWNER || club.me.role() == v1::CLUB_ROLE_SUPERVISOR ||
         std::count(room.roles().begin(), room.roles().end(), club.me.role()) != 0;
}

void Model::drop_closed(ClubState& club) {
  std::erase_if(club.rooms, [&](const auto& room) { return !may_read(club, room.second.room); });
}

RoomState& Model::room_of(ClubState& club, const v1::Room& room, std::uint64_t seq) {
  const auto [place, fresh] = club.rooms.try_emplace(room.room_id());
  RoomState& state = place->second;
  if (fresh) {
    state.timeline = Timeline(Stream::club(club.club.club_id()), room.room_id());
    state.timeline.reset(room.head_number(), pins_of(room), seq);
  }
  return state;
}

// The club as a snapshot tells it. Of rooms that were held all along only the facts are new: their messages, and what follows
// from those, come by events.
ClubState& Model::take_club(Stream stream, const v1::ClubSnapshot& snapshot, std::uint64_t seq,
                            const std::set<std::uint64_t>& held) {
  ClubState& club = clubs_[stream.id];
  club.club = snapshot.club();
  club.me = snapshot.me();
  club.seq = seq;
  club.ended = false;
  club.members_after = snapshot.members_after();
  club.sanctions.clear();
  club.raid.reset();
  if (snapshot.has_raid()) club.raid = snapshot.raid();
  for (const v1::Sanction& one : snapshot.sanctions()) club.sanctions[one.sanction_id()] = one;
  club.members.clear();
  for (const v1::Member& member : snapshot.members()) club.members[member.account_id()] = member;
  std::set<std::uint64_t> readable;
  for (const v1::Room& room : snapshot.rooms()) {
    readable.insert(room.room_id());
    const bool known = club.rooms.contains(room.room_id());
    RoomState& state = room_of(club, room, seq);
    if (known && held.contains(room.room_id())) {
      take_facts(state, room);
    } else {
      state.room = room;
      state.timeline.reset(room.head_number(), pins_of(room), seq);
    }
  }
  std::erase_if(club.rooms, [&](const auto& room) { return !readable.contains(room.first); });
  return club;
}

bool Model::apply_renewal(const Renewed& renewed) {
  if (!renewed.snapshot.has_club()) return false;
  take_club(renewed.stream, renewed.snapshot.club(), renewed.seq, renewed.held);
  return true;
}

bool Model::apply_snapshot(const Resynced& resynced) {
  const v1::Snapshot& snapshot = resynced.snapshot;
  const std::uint64_t seq = resynced.at.seq;
  if (snapshot.has_club()) {
    take_club(resynced.stream, snapshot.club(), seq, {}).presence = {};
    return true;
  }
  if (snapshot.has_direct()) {
    DirectState& direct = directs_[resynced.stream.id];
    direct.direct = snapshot.direct().direct();
    direct.ended = false;
    if (direct.timeline.stream() != resynced.stream) direct.timeline = Timeline(resynced.stream, 0);
    direct.timeline.reset(direct.direct.head_number(), {}, seq);
    return true;
  }
  if (snapshot.has_account()) {
    const v1::AccountSnapshot& in = snapshot.account();
    account_.account_id = in.account_id();
    account_.login = in.login();
    account_.display_name = in.display_name();
    account_.language = in.language();
    account_.site_role = in.site_role();
    account_.devices.clear();
    account_.memberships.clear();
    account_.directs.clear();
    account_.sanctions.clear();
    for (const v1::Device& device : in.devices()) account_.devices[device.token_id()] = device;
    read_marks_.clear();
    for (const v1::ReadMark& mark : in.read_marks()) {
      read_marks_[{Stream::from(mark.stream()), mark.room_id()}] = mark.number();
    }
    levels_.clear();
    for (const v1::RoomLevel& level : in.levels()) {
      levels_[{Stream::from(level.stream()), level.room_id()}] = level.level();
    }
    return true;
  }
  return false;
}

bool Model::apply_club(ClubState& club, const v1::Event& event) {
  const bool in_state = event.seq() <= club.seq;
  club.seq = std::max(club.seq, event.seq());
  switch (in_state && !Timeline::room_of(event) ? v1::Event::BODY_NOT_SET : event.body_case()) {
    case v1::Event::kClubCreated: club.club = event.club_created().club(); return true;
    case v1::Event::kClubChanged: {
      const v1::ClubChanged& changed = event.club_changed();
      club.club.set_name(changed.name());
      club.club.set_purpose(changed.purpose());
      club.club.set_language(changed.language());
      club.club.set_capacity(changed.capacity());
      club.club.set_watch_off(changed.watch_off());
      return true;
    }
    case v1::Event::kRoomCreated:
    case v1::Event::kRoomChanged: {
      const v1::Room& room =
          event.has_room_created() ? event.room_created().room() : event.room_changed().room();
      if (!may_read(club, room)) {
        club.rooms.erase(room.room_id());
        return true;
      }
      // One that opened has no messages yet: a Renewed brings them.
      RoomState& state = room_of(club, room, event.seq());
      const v1::Room before = state.room;
      take_facts(state, room);
      // Nor does a change carry how the room slows down by itself.
      state.room.set_auto_slow_s(before.auto_slow_s());
      state.room.set_auto_slow_since_ms(before.auto_slow_since_ms());
      state.room.set_auto_slow_until_ms(before.auto_slow_until_ms());
      state.room.set_auto_slow_lifted_ms(before.auto_slow_lifted_ms());
      return true;
    }
    case v1::Event::kMemberChanged: {
      const v1::Member& member = event.member_changed().member();
      v1::Member& known = club.members[member.account_id()];
      const int before = is_active(known) ? 1 : 0;
      const int after = is_active(member) ? 1 : 0;
      known = member;
      club.club.set_active_members(static_cast<std::uint32_t>(
          std::max(0, static_cast<int>(club.club.active_members()) + after - before)));
      if (member.account_id() == club.me.account_id()) {
        club.me = member;
        if (is_reader(member)) drop_closed(club);
      }
      return true;
    }
    case v1::Event::kCharterAdopted:
      club.club.set_charter_version(event.charter_adopted().charter().version());
      return true;
    case v1::Event::kCharterAccepted: {
      const v1::CharterAccepted& accepted = event.charter_accepted();
      const auto member = club.members.find(accepted.account_id());
      if (member != club.members.end()) member->second.set_charter_version(accepted.version());
      if (accepted.account_id() == club.me.account_id())
        club.me.set_charter_version(accepted.version());
      return true;
    }
    case v1::Event::kSanctionImposed: {
      v1::Sanction sanction = event.sanction_imposed().sanction();
      sanction.set_start_seq(event.seq());
      if (sanction.end() == v1::SANCTION_END_UNSPECIFIED)
        club.sanctions[sanction.sanction_id()] = std::move(sanction);
      return true;
    }
    case v1::Event::kRoomSlowed: {
      const v1::RoomSlowed& slowed = event.room_slowed();
      const auto room = club.rooms.find(slowed.room_id());
      if (room == club.rooms.end()) return false;
      room->second.room.set_auto_slow_s(slowed.slow_mode_s());
      room->second.room.set_auto_slow_since_ms(event.time_ms());
      room->second.room.set_auto_slow_until_ms(slowed.until_ms());
      return true;
    }
    case v1::Event::kRoomSlowEnded: {
      const auto room = club.rooms.find(event.room_slow_ended().room_id());
      if (room == club.rooms.end()) return false;
      room->second.room.clear_auto_slow_s();
      room->second.room.clear_auto_slow_until_ms();
      if (event.room_slow_ended().lifted())
        room->second.room.set_auto_slow_lifted_ms(event.time_ms());
      return true;
    }
    case v1::Event::kRaidModeStarted: club.raid = event.raid_mode_started().raid(); return true;
    case v1::Event::kRaidModeProlonged:
      if (club.raid) club.raid->set_until_ms(event.raid_mode_prolonged().until_ms());
      return club.raid.has_value();
    case v1::Event::kRaidModeEnded: club.raid.reset(); return true;
    case v1::Event::kSanctionEnded:
      club.sanctions.erase(event.sanction_ended().sanction_id());
      return true;
    case v1::Event::kHeldReviewed: {
      bool changed = false;
      for (auto& [id, state] : club.rooms) changed |= state.timeline.apply(event);
      return changed;
    }
    default: break;
  }
  const auto room = club.rooms.find(Timeline::room_of(event).value_or(0));
  if (room == club.rooms.end()) return false;
  RoomState& state = room->second;
  const bool changed = state.timeline.apply(event);
  state.room.set_head_number(state.timeline.head());
  state.room.mutable_pins()->Assign(state.timeline.pins().begin(), state.timeline.pins().end());
  // Whoever has posted does not type any more.
  if (event.has_message_posted()) {
    const RoomKey key{Stream::club(club.club.club_id()), event.message_posted().room_id()};
    if (const auto typing = typing_.find(key); typing != typing_.end()) {
      const std::uint64_t released = event.message_posted().author();
      std::erase(typing->second.who.accounts, released != 0 ? released : event.actor());
    }
  }
  return changed;
}

bool Model::apply_account(const v1::Event& event) {
  switch (event.body_case()) {
    case v1::Event::kReadMarked: {
      const v1::ReadMark& mark = event.read_marked().mark();
      std::uint64_t& number = read_marks_[{Stream::from(mark.stream()), mark.room_id()}];
      number = std::max(number, mark.number());
      return true;
    }
    case v1::Event::kLevelSet: {
      const v1::RoomLevel& level = event.level_set().level();
      levels_[{Stream::from(level.stream()), level.room_id()}] = level.level();
      return true;
    }
    case v1::Event::kProfileChanged: {
      const v1::ProfileChanged& profile = event.profile_changed();
      account_.display_name = profile.display_name();
      account_.language = profile.language();
      account_.site_role = profile.site_role();
      account_.login = profile.login();
      return true;
    }
    case v1::Event::kTokenIssued: {
      v1::Device& device = account_.devices[event.token_issued().token_id()];
      device.set_token_id(event.token_issued().token_id());
      device.set_name(event.token_issued().device_name());
      device.set_created_ms(event.time_ms());
      return true;
    }
    case v1::Event::kTokenRevoked:
      return account_.devices.erase(event.token_revoked().token_id()) != 0;
    case v1::Event::kMembershipNoticed:
      account_.memberships[event.membership_noticed().club_id()] = event.membership_noticed();
      return true;
    case v1::Event::kSanctionNoticed: {
      const v1::Sanction& told = event.sanction_noticed().sanction();
      std::erase_if(account_.sanctions, [&](const v1::Sanction& known) {
        return known.club_id() == told.club_id() && known.sanction_id() == told.sanction_id();
      });
      account_.sanctions.push_back(told);
      return true;
    }
    case v1::Event::kDirectNoticed:
      account_.directs.insert(event.direct_noticed().direct_id());
      return true;
    default: return false;
  }
}

bool Model::apply_direct(DirectState& direct, const v1::Event& event) {
  if (event.has_direct_changed()) {
    const v1::DirectChanged& changed = event.direct_changed();
    direct.direct.set_status(changed.status());
    direct.direct.set_requested_by(changed.requested_by());
    direct.direct.set_introduction(changed.introduction());
    direct.direct.set_blocked_by_me(std::count(changed.blocked_by().begin(),
                                               changed.blocked_by().end(),
                                               account_.account_id) != 0);
    return true;
  }
  if (!direct.timeline.apply(event)) return false;
  direct.direct.set_head_number(direct.timeline.head());
  return true;
}

bool Model::apply_signal(const v1::Signal& signal, Time now) {
  if (signal.has_typing()) {
    const v1::Typing& in = signal.typing();
    TypingSeen& seen = typing_[{Stream::from(in.stream()), in.room_id()}];
    seen.who.accounts.assign(in.accounts().begin(), in.accounts().end());
    seen.who.others = in.others();
    seen.at = now;
    return true;
  }
  if (!signal.has_presence()) return false;
  const v1::Presence& in = signal.presence();
  const Stream stream = Stream::from(in.stream());
  const auto club = clubs_.find(stream.id);
  if (stream.kind != v1::STREAM_KIND_CLUB || club == clubs_.end()) return false;
  PresenceState& presence = club->second.presence;
  if (in.whole()) presence.accounts.clear();
  for (const std::uint64_t account : in.went()) presence.accounts.erase(account);
  presence.accounts.insert(in.came().begin(), in.came().end());
  presence.count = in.count();
  // Deltas keep a whole list whole; a count that the list does not explain means that it is a
  // sample now.
  const bool explained = in.count() == 0 || presence.accounts.size() == in.count();
  presence.whole = in.whole() || (presence.whole && explained);
  if (!presence.whole) presence.accounts = {in.came().begin(), in.came().end()};
  if (presence.whole) presence.count = static_cast<std::uint32_t>(presence.accounts.size());
  return true;
}

bool Model::apply_answer(const Answered& answered) {
  const v1::ClientFrame& request = answered.request;
  if (request.has_post_message()) {
    const v1::PostMessage& post = request.post_message();
    Timeline* room = timeline(Stream::from(post.stream()), post.room_id());
    if (room == nullptr) return false;
    if (answered.result)
      room->answered(post.client_msg_id(), answered.result->post_message());
    else
      room->answered(post.client_msg_id(), std::unexpected(answered.result.error()));
    return true;
  }
  if (!answered.result) return false;
  if (request.has_get_history()) {
    const v1::GetHistory& asked = request.get_history();
    Timeline* room = timeline(Stream::from(asked.stream()), asked.room_id());
    return room != nullptr && room->merge(answered.result->get_history());
  }
  if (request.has_look_up_names()) {
    const auto club = clubs_.find(request.look_up_names().club_id());
    if (club == clubs_.end()) return false;
    for (const std::uint64_t id : request.look_up_names().account_ids()) club->second.names[id];
    for (const auto& name : answered.result->look_up_names().names())
      club->second.names[name.account_id()] = name.display_name();
    return true;
  }
  if (request.has_list_members()) {
    const auto club = clubs_.find(request.list_members().club_id());
    if (club == clubs_.end()) return false;
    const v1::ListMembersReply& page = answered.result->list_members();
    for (const v1::Member& member : page.members()) {
      // Events are newer than any page.
      club->second.members.try_emplace(member.account_id(), member);
    }
    if (request.list_members().name_contains().empty() &&
        request.list_members().after() == club->second.members_after) {
      club->second.members_after = page.next();
    }
    return true;
  }
  return false;
}

const ClubState* Model::club(std::uint64_t club_id) const {
  const auto found = clubs_.find(club_id);
  return found == clubs_.end() ? nullptr : &found->second;
}

const DirectState* Model::direct(std::uint64_t direct_id) const {
  const auto found = directs_.find(direct_id);
  return found == directs_.end() ? nullptr : &found->second;
}

const Timeline* Model::timeline(Stream stream, std::uint64_t room_id) const {
  if (stream.kind == v1::STREAM_KIND_DIRECT) {
    const DirectState* found = direct(stream.id);
    return found == nullptr ? nullptr : &found->timeline;
  }
  const ClubState* found = stream.kind == v1::STREAM_KIND_CLUB ? club(stream.id) : nullptr;
  if (found == nullptr) return nullptr;
  const auto room = found->rooms.find(room_id);
  return room == found->rooms.end() ? nullptr : &room->second.timeline;
}

Timeline* Model::timeline(Stream stream, std::uint64_t room_id) {
  return const_cast<Timeline*>(std::as_const(*this).timeline(stream, room_id));
}

std::uint64_t Model::read_mark(Stream stream, std::uint64_t room_id) const {
  const auto found = read_marks_.find({stream, room_id});
  return found == read_marks_.end() ? 0 : found->second;
}

std::uint64_t Model::unread(Stream stream, std::uint64_t room_id) const {
  const Timeline* room = timeline(stream, room_id);
  return room == nullptr ? 0 : room->unread(read_mark(stream, room_id));
}

v1::NotificationLevel Model::level(Stream stream, std::uint64_t room_id) const {
  const auto found = levels_.find({stream, room_id});
  return found == levels_.end() ? v1::NOTIFICATION_LEVEL_MENTIONS : found->second;
}

TypingState Model::typing(Stream stream, std::uint64_t room_id, Time now) const {
  const auto found = typing_.find({stream, room_id});
  if (found == typing_.end() || now >= found->second.at + typing_lapses) return {};
  TypingState who = found->second.who;
  std::erase(who.accounts, account_.account_id);
  return who;
}

std::string Model::name(Stream stream, std::uint64_t account_id) const {
  if (account_id != 0 && account_id == account_.account_id) return account_.display_name;
  if (stream.kind == v1::STREAM_KIND_CLUB) {
    const ClubState* found = club(stream.id);
    if (found == nullptr) return {};
    const auto member = found->members.find(account_id);
    if (member != found->members.end()) return member->second.display_name();
    const auto name = found->names.find(account_id);
    return name == found->names.end() ? std::string() : name->second;
  }
  const DirectState* found = stream.kind == v1::STREAM_KIND_DIRECT ? direct(stream.id) : nullptr;
  return found != nullptr && found->direct.other() == account_id ? found->direct.other_name()
                                                                 : std::string();
}

const v1::Sanction* Model::hold(Stream stream, std::uint64_t room_id, std::int64_t now_ms) const {
  const ClubState* found = stream.kind == v1::STREAM_KIND_CLUB ? club(stream.id) : nullptr;
  if (found == nullptr) return nullptr;
  for (const auto& [id, sanction] : found->sanctions) {
    const bool stands = sanction.until_ms() == 0 || sanction.until_ms() > now_ms;
    const bool here = sanction.room_id() == 0 || sanction.room_id() == room_id;
    if (sanction.account_id() == account_.account_id && stands && here) return &sanction;
  }
  return nullptr;
}

const v1::RaidMode* Model::raid_hold(Stream stream, std::int64_t now_ms) const {
  const ClubState* found = stream.kind == v1::STREAM_KIND_CLUB ? club(stream.id) : nullptr;
  if (found == nullptr || !found->raid || found->raid->until_ms() <= now_ms) return nullptr;
  const bool staff =
      account_.site_role == v1::SITE_ROLE_STAFF || account_.site_role == v1::SITE_ROLE_OWNER;
  if (staff || found->me.role() >= v1::CLUB_ROLE_COMMITTEE) return nullptr;
  const bool is_new =
      found->me.joined_ms() != 0 && found->me.joined_ms() >= found->raid->newcomers_since_ms();
  return is_new ? &*found->raid : nullptr;
}

std::string Model::author_name(Stream stream, const v1::Message& message) const {
  return message.imported_author().empty() ? name(stream, message.author())
                                           : message.imported_author();
}

bool Model::mentions_me(Stream stream, const v1::Message& message) const {
  const v1::Mentions& mentions = message.mentions();
  if (std::count(mentions.accounts().begin(), mentions.accounts().end(), account_.account_id) !=
      0) {
    return true;
  }
  if (mentions.all()) return true;
  const ClubState* found = stream.kind == v1::STREAM_KIND_CLUB ? club(stream.id) : nullptr;
  if (!mentions.committee() || found == nullptr) return false;
  const v1::ClubRole role = found->me.role();
  return role == v1::CLUB_ROLE_COMMITTEE || role == v1::CLUB_ROLE_PRESIDENT;
}

}  // namespace amicale::client
