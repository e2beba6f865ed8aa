// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/simulation/truth.h"

#include <algorithm>

namespace amicale::simulation {
namespace {

storage::PartitionId partition(Stream stream) { return {stream.kind, stream.id}; }

// Reads big-endian numbers and runs of bytes off the front.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  uint64_t number(std::size_t size) {
    uint64_t value = 0;
    for (const unsigned char byte : run(size)) value = value << 8 | byte;
    return value;
  }
  std::string_view run(std::size_t size) {
    if (size > bytes_.size()) {
      whole_ = false;
      return {};
    }
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  bool whole() const { return whole_; }

 private:
  std::string_view bytes_;
  bool whole_ = true;
};

// version flags roles account prev_hash salt [two digests] length public private
std::optional<Entry> decode(std::string_view value) {
  Reader in(value);
  const auto version = in.number(1);
  const auto flags = in.number(1);
  Entry entry;
  entry.roles = static_cast<uint16_t>(in.number(2));
  entry.account = in.number(8);
  in.run(32 + 16);
  if ((flags & 1) != 0) in.run(64);
  std::string_view framed = in.run(in.number(4));
  if (!in.whole() || version != 1 || framed.size() < 2) return std::nullopt;
  framed.remove_prefix(1);  // the tag of StreamBatch.events
  while ((framed.front() & 0x80) != 0) framed.remove_prefix(1);
  framed.remove_prefix(1);
  entry.sent = framed;
  if (!entry.event.ParseFromString(entry.sent)) return std::nullopt;
  return entry;
}

bool has(uint16_t roles, v1::ClubRole role) {
  return role != v1::CLUB_ROLE_UNSPECIFIED && (roles >> static_cast<unsigned>(role) & 1) != 0;
}

bool reads(v1::MemberStatus status) {
  return status == v1::MEMBER_STATUS_ACTIVE || status == v1::MEMBER_STATUS_PAUSED;
}

}  // namespace

const Truth::Log* Truth::find(Stream stream) const {
  const auto found = logs_.find(stream);
  return found == logs_.end() ? nullptr : &found->second;
}

uint64_t Truth::read(const storage::View& view, Stream stream) {
  Log& log = logs_[stream];
  const uint64_t first = log.entries.size() + 1;
  view.scan(storage::Family::log, storage::key::log_entry(partition(stream), first),
            storage::key::end_of(storage::key::log_prefix(partition(stream))),
            [&](std::string_view, std::string_view value) {
              auto entry = decode(value);
              if (!entry || entry->event.seq() != log.entries.size() + 1) return false;
              log.entries.push_back(std::move(*entry));
              fold(log, log.entries.back().event);
              return true;
            });
  return first;
}

std::optional<Entry> Truth::stored(const storage::View& view, Stream stream, uint64_t seq) {
  std::string value;
  if (!view.get(storage::Family::log, storage::key::log_entry(partition(stream), seq), value))
    return std::nullopt;
  return decode(value);
}

void Truth::cut(Stream stream, uint64_t head) {
  Log& log = logs_[stream];
  log.entries.resize(head);
  log.members.clear();
  log.rooms.clear();
  log.holds.clear();
  for (const Entry& entry : log.entries) fold(log, entry.event);
}

void Truth::fold(Log& log, const v1::Event& event) {
  if (event.has_member_changed()) {
    const auto& member = event.member_changed().member();
    log.members[member.account_id()].push_back({event.seq(), member});
  } else if (event.has_room_created()) {
    log.rooms[event.room_created().room().room_id()].push_back(
        {event.seq(), event.room_created().room()});
  } else if (event.has_sanction_imposed()) {
    const auto& sanction = event.sanction_imposed().sanction();
    if (sanction.end() == v1::SANCTION_END_UNSPECIFIED)
      log.holds.push_back({sanction.account_id(), sanction.sanction_id(), sanction.room_id(),
                           event.seq(), 0, sanction.until_ms()});
  } else if (event.has_sanction_ended()) {
    for (Hold& hold : log.holds) {
      if (hold.sanction == event.sanction_ended().sanction_id() && hold.ended_seq == 0)
        hold.ended_seq = event.seq();
    }
  } else if (event.has_room_changed()) {
    log.rooms[event.room_changed().room().room_id()].push_back(
        {event.seq(), event.room_changed().room()});
  }
}

uint64_t Truth::head(Stream stream) const {
  const Log* log = find(stream);
  return log ? log->entries.size() : 0;
}

std::vector<Stream> Truth::streams() const {
  std::vector<Stream> all;
  for (const auto& [stream, log] : logs_) all.push_back(stream);
  return all;
}

std::optional<v1::Member> Truth::member(Stream club, uint64_t account, uint64_t seq) const {
  const Log* log = find(club);
  if (!log) return std::nullopt;
  const auto found = log->members.find(account);
  std::optional<v1::Member> member;
  if (found == log->members.end()) return member;
  for (const Since& since : found->second) {
    if (since.seq <= seq) member = since.member;
  }
  return member;
}

std::map<uint64_t, v1::Member> Truth::members(Stream club, uint64_t seq) const {
  std::map<uint64_t, v1::Member> all;
  const Log* log = find(club);
  if (!log) return all;
  for (const auto& [account, history] : log->members) {
    for (const Since& since : history) {
      if (since.seq <= seq) all[account] = since.member;
    }
  }
  return all;
}

v1::ClubRole Truth::reader(Stream club, uint64_t account, uint64_t seq) const {
  if (staff.contains(account)) return v1::CLUB_ROLE_SUPERVISOR;
  const Log* log = find(club);
  v1::ClubRole role = v1::CLUB_ROLE_UNSPECIFIED;
  if (!log) return role;
  const auto found = log->members.find(account);
  if (found == log->members.end()) return role;
  for (const Since& since : found->second) {
    if (since.seq > seq) break;
    role = reads(since.member.status()) ? since.member.role() : v1::CLUB_ROLE_UNSPECIFIED;
  }
  return role;
}

bool Truth::may_follow(Stream stream, uint64_t account, uint64_t seq) const {
  switch (stream.kind) {
    case v1::STREAM_KIND_CLUB: return reader(stream, account, seq) != v1::CLUB_ROLE_UNSPECIFIED;
    case v1::STREAM_KIND_ACCOUNT: return stream.id == account;
    case v1::STREAM_KIND_DIRECT: {
      if ((stream.id >> 32) != account && (stream.id & 0xffff'ffff) != account) return false;
      // Before anybody asked there may be a block, which is its maker's alone to see.
      const Log* log = find(stream);
      bool there = false;
      for (uint64_t i = 0; log && i < std::min<uint64_t>(seq, log->entries.size()); ++i) {
        const v1::Event& event = log->entries[i].event;
        if (!event.has_direct_changed()) continue;
        const auto& changed = event.direct_changed();
        there = changed.status() != v1::DIRECT_STATUS_UNSPECIFIED ||
                std::ranges::find(changed.blocked_by(), account) != changed.blocked_by().end();
      }
      return there;
    }
    default: return staff.contains(account);
  }
}

Sight Truth::sight(Stream stream, uint64_t seq, uint64_t account, uint64_t head) const {
  const Entry& entry = at(stream, seq);
  if (entry.account != 0 && entry.account == account) return Sight::always;
  if ((entry.roles & 1) != 0) return Sight::always;
  if (stream.kind != v1::STREAM_KIND_CLUB) return Sight::never;
  if (!has(entry.roles, reader(stream, account, seq))) return Sight::never;
  if (staff.contains(account)) return Sight::always;
  for (const Since& since : find(stream)->members.at(account)) {
    if (since.seq <= seq || since.seq > head) continue;
    if (!reads(since.member.status()) || !has(entry.roles, since.member.role()))
      return Sight::perhaps;
  }
  return Sight::always;
}

bool Truth::nothing_to_see(Stream stream, uint64_t account, uint64_t cursor) const {
  for (uint64_t seq = cursor + 1; seq <= head(stream); ++seq) {
    if (sight(stream, seq, account, head(stream)) == Sight::always) return false;
  }
  return true;
}

bool Truth::was_out(Stream stream, uint64_t account, uint64_t after, uint64_t through) const {
  if (!may_follow(stream, account, through)) return true;
  const Log* log = find(stream);
  if (!log) return true;
  const auto found = log->members.find(account);
  if (found == log->members.end()) return false;
  return std::ranges::any_of(found->second, [&](const Since& since) {
    return since.seq > after && since.seq <= through && !reads(since.member.status());
  });
}

std::optional<Truth::Hold> Truth::hold(Stream club, uint64_t account, uint64_t room, uint64_t seq,
                                       int64_t time_ms) const {
  const Log* log = find(club);
  if (!log) return std::nullopt;
  for (const Hold& hold : log->holds) {
    const bool here = hold.account == account && (hold.room == 0 || hold.room == room);
    const bool then = hold.seq < seq && (hold.ended_seq == 0 || hold.ended_seq > seq);
    if (here && then && (hold.until_ms == 0 || hold.until_ms > time_ms)) return hold;
  }
  return std::nullopt;
}

std::set<uint64_t> Truth::standing(Stream club, uint64_t account, uint64_t seq) const {
  std::set<uint64_t> all;
  const Log* log = find(club);
  if (!log) return all;
  for (const Hold& hold : log->holds) {
    if (hold.account == account && hold.seq <= seq && (hold.ended_seq == 0 || hold.ended_seq > seq))
      all.insert(hold.sanction);
  }
  return all;
}

uint16_t Truth::readers(const v1::Room& room) {
  if (room.access() != v1::ROOM_ACCESS_ROLES) return all_roles;
  uint16_t roles = 1 << v1::CLUB_ROLE_SUPERVISOR;  // site staff read everything
  for (const int role : room.roles()) roles |= static_cast<uint16_t>(1u << role);
  return roles;
}

uint16_t Truth::readers(Stream club, uint64_t room, uint64_t seq) const {
  const Log* log = find(club);
  if (!log) return 0;
  const auto found = log->rooms.find(room);
  uint16_t roles = 0;
  if (found == log->rooms.end()) return roles;
  for (const RoomSince& since : found->second) {
    if (since.seq <= seq) roles = readers(since.room);
  }
  return roles;
}

bool Truth::read_throughout(Stream club, uint64_t room, uint64_t account, uint64_t since,
                            uint64_t until) const {
  for (uint64_t seq = since; seq <= until; ++seq) {
    if (!has(readers(club, room, seq), reader(club, account, seq))) return false;
  }
  return true;
}

bool Truth::read_ever(Stream club, uint64_t room, uint64_t account, uint64_t since,
                      uint64_t until) const {
  for (uint64_t seq = since; seq <= until; ++seq) {
    if (has(readers(club, room, seq), reader(club, account, seq))) return true;
  }
  return false;
}

std::optional<std::pair<uint64_t, uint64_t>> Truth::message_of(const v1::Event& event) {
  switch (event.body_case()) {
    case v1::Event::kMessagePosted:
      return {{event.message_posted().room_id(), event.message_posted().number()}};
    case v1::Event::kMessageEdited:
      return {{event.message_edited().room_id(), event.message_edited().number()}};
    case v1::Event::kMessageDeleted:
      return {{event.message_deleted().room_id(), event.message_deleted().number()}};
    case v1::Event::kReactionChanged:
      return {{event.reaction_changed().room_id(), event.reaction_changed().number()}};
    case v1::Event::kMessagePinned:
      return {{event.message_pinned().room_id(), event.message_pinned().number()}};
    case v1::Event::kMessageRestored:
      return {{event.message_restored().room_id(), event.message_restored().number()}};
    case v1::Event::kMessageLocked:
      return {{event.message_locked().room_id(), event.message_locked().number()}};
    default: return std::nullopt;
  }
}

std::map<uint64_t, v1::Room> Truth::rooms(Stream club, uint64_t seq) const {
  std::map<uint64_t, v1::Room> all;
  const Log* log = find(club);
  if (!log) return all;
  for (const auto& [id, history] : log->rooms) {
    for (const RoomSince& since : history) {
      if (since.seq <= seq) all[id] = since.room;
    }
  }
  for (const Entry& entry : log->entries) {
    const v1::Event& event = entry.event;
    if (event.seq() > seq) break;
    if (event.has_message_posted()) {
      all[event.message_posted().room_id()].set_head_number(event.message_posted().number());
    } else if (event.has_message_pinned()) {
      auto& pins = *all[event.message_pinned().room_id()].mutable_pins();
      const uint64_t number = event.message_pinned().number();
      const auto place = std::ranges::find(pins, number);
      if (!event.message_pinned().pinned()) {
        if (place != pins.end()) pins.erase(place);
      } else if (place == pins.end()) {
        pins.Add(number);
      }
    }
  }
  return all;
}

std::map<uint64_t, v1::Message> Truth::messages(Stream stream, uint64_t room, uint64_t seq) const {
  std::map<uint64_t, v1::Message> all;
  const Log* log = find(stream);
  if (!log) return all;
  for (const Entry& entry : log->entries) {
    const v1::Event& event = entry.event;
    if (event.seq() > seq) break;
    const auto about = message_of(event);
    if (!about || about->first != room) continue;
    v1::Message& message = all[about->second];
    if (event.has_message_posted()) {
      const auto& posted = event.message_posted();
      message.set_seq(event.seq());
      message.set_room_id(room);
      message.set_number(posted.number());
      const auto author = posted.author() != 0 ? posted.author() : event.actor();
      message.set_author(posted.imported_author().empty() ? author : 0);
      message.set_body(posted.body());
      message.set_time_ms(posted.imported_author().empty() ? event.time_ms()
                                                           : posted.imported_time_ms());
      message.set_reply_to(posted.reply_to());
      if (posted.has_mentions()) *message.mutable_mentions() = posted.mentions();
      message.set_client_msg_id(event.client_msg_id());
      message.set_imported_author(posted.imported_author());
      continue;
    }
    if (event.has_message_restored()) {
      if (!message.deleted()) continue;
      message.set_deleted(false);
      message.set_body(event.message_restored().body());
      if (event.message_restored().has_mentions())
        *message.mutable_mentions() = event.message_restored().mentions();
      message.clear_deleted_by();
      message.clear_delete_reason();
      message.clear_delete_text();
      message.clear_deleted_seq();
      message.set_restored_seq(event.seq());
      continue;
    }
    if (message.deleted()) continue;
    if (event.has_message_locked()) {
      message.set_edit_locked(event.message_locked().locked());
    } else if (event.has_message_edited()) {
      message.set_body(event.message_edited().body());
      message.clear_mentions();
      if (event.message_edited().has_mentions())
        *message.mutable_mentions() = event.message_edited().mentions();
      message.set_edited_seq(event.seq());
    } else if (event.has_message_deleted()) {
      message.set_deleted(true);
      message.clear_body();
      message.clear_mentions();
      message.clear_reactions();
      message.set_deleted_by(event.actor());
      message.set_delete_reason(event.message_deleted().reason());
      message.set_delete_text(event.message_deleted().text());
      message.set_deleted_seq(event.seq());
    } else if (event.has_reaction_changed()) {
      const auto& changed = event.reaction_changed();
      auto& reactions = *message.mutable_reactions();
      auto reaction = std::ranges::find_if(
          reactions, [&](const auto& one) { return one.emoji() == changed.emoji(); });
      if (changed.added()) {
        if (reaction == reactions.end()) {
          reactions.Add()->set_emoji(changed.emoji());
          reaction = reactions.end() - 1;
        }
        reaction->add_accounts(event.actor());
      } else if (reaction != reactions.end()) {
        auto& accounts = *reaction->mutable_accounts();
        const auto place = std::ranges::find(accounts, event.actor());
        if (place != accounts.end()) accounts.erase(place);
        if (accounts.empty()) reactions.erase(reaction);
      }
    }
  }
  return all;
}

}  // namespace amicale::simulation
