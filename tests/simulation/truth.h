// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What the logs hold, told by their stored bytes alone. It shares no rule with the server: entries are taken apart here, roles,
// rooms and messages are folded here, and who may see what is worked out here again, from docs/protocol.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "amicale/client/stream.h"
#include "amicale/v1/event.pb.h"
#include "amicale/v1/state.pb.h"
#include "storage/view.h"

namespace amicale::simulation {

using client::Stream;

// One log entry.
struct Entry {
  uint16_t roles = 0;    // audience: bit r is v1.ClubRole r, bit 0 whoever may follow
  uint64_t account = 0;  // audience: also this account; 0 = none
  std::string sent;      // the serialised event, as it was first stored
  std::string redacted;  // … and as it stands since its message was deleted; empty = not deleted
  v1::Event event;       // of `sent`
};

// Whether a reader gets an event.
enum class Sight : uint8_t {
  never,
  perhaps,  // the reader lost a role meanwhile: it was right to give it earlier, and is right to hide it now
  always,
};

class Truth {
 public:
  static constexpr uint16_t committee_and_above = 1 << 4 | 1 << 5 | 1 << 6;
  static constexpr uint16_t all_roles = 0b1111110;

  // Accounts that read every club as its SUPERVISOR.
  std::set<uint64_t> staff;

  // Reads what the log of `stream` has after the last entry known. The seq of the first new one.
  uint64_t read(const storage::View& view, Stream stream);
  // What stands at `seq` now, straight from the disk; nothing when there is no entry.
  static std::optional<Entry> stored(const storage::View& view, Stream stream, uint64_t seq);
  // Forgets what comes after `head`: it never became durable.
  void cut(Stream stream, uint64_t head);

  uint64_t head(Stream stream) const;
  Entry& at(Stream stream, uint64_t seq) { return logs_.at(stream).entries[seq - 1]; }
  const Entry& at(Stream stream, uint64_t seq) const { return logs_.at(stream).entries[seq - 1]; }
  std::vector<Stream> streams() const;

  // The role by which an account reads a club at `seq`; UNSPECIFIED: it does not.
  v1::ClubRole reader(Stream club, uint64_t account, uint64_t seq) const;
  // The membership as it stands at `seq`; nothing when there never was one.
  std::optional<v1::Member> member(Stream club, uint64_t account, uint64_t seq) const;
  std::map<uint64_t, v1::Member> members(Stream club, uint64_t seq) const;
  // Whether the account may read the stream at all.
  bool may_follow(Stream stream, uint64_t account, uint64_t seq) const;
  Sight sight(Stream stream, uint64_t seq, uint64_t account, uint64_t head) const;
  // Whether what comes after `cursor` is all hidden from the account: it is then told of it later.
  bool nothing_to_see(Stream stream, uint64_t account, uint64_t cursor) const;
  // Whether the account was without a right to the stream at some seq in (after, through].
  bool was_out(Stream stream, uint64_t account, uint64_t after, uint64_t through) const;

  // Whether the account read the room at every seq from `since` to `until`.
  bool read_throughout(Stream club, uint64_t room, uint64_t account, uint64_t since,
                       uint64_t until) const;
  // … or at any of them.
  bool read_ever(Stream club, uint64_t room, uint64_t account, uint64_t since,
                 uint64_t until) const;

  // A sanction that holds somebody back: in a room, or (room 0) in the whole club, until its time or its end.
  struct Hold {
    uint64_t account = 0, sanction = 0, room = 0, seq = 0;
    uint64_t ended_seq = 0;  // 0 = no event has ended it
    int64_t until_ms = 0;    // 0 = until it is lifted
  };
  // What holds `account` back in `room` at `seq`, an event of that time; nothing when nothing does.
  std::optional<Hold> hold(Stream club, uint64_t account, uint64_t room, uint64_t seq,
                           int64_t time_ms) const;
  // Sanctions on an account that no event has ended at `seq`.
  std::set<uint64_t> standing(Stream club, uint64_t account, uint64_t seq) const;

  // Rooms of a club at `seq`, with head numbers and pins.
  std::map<uint64_t, v1::Room> rooms(Stream club, uint64_t seq) const;
  // The roles that read a room at `seq`; 0 = there is no such room.
  uint16_t readers(Stream club, uint64_t room, uint64_t seq) const;
  static uint16_t readers(const v1::Room& room);
  // The messages of a room (0 in a direct conversation) as they stand at `seq`, by number.
  std::map<uint64_t, v1::Message> messages(Stream stream, uint64_t room, uint64_t seq) const;

  // The room that an event is about a message of; nothing when it is about none.
  static std::optional<std::pair<uint64_t, uint64_t>> message_of(const v1::Event& event);

 private:
  struct Since {
    uint64_t seq;
    v1::Member member;
  };
  struct RoomSince {
    uint64_t seq;
    v1::Room room;
  };
  struct Log {
    std::vector<Entry> entries;
    std::map<uint64_t, std::vector<Since>> members;    // by account
    std::map<uint64_t, std::vector<RoomSince>> rooms;  // by room id
    std::vector<Hold> holds;
  };
  static void fold(Log& log, const v1::Event& event);
  const Log* find(Stream stream) const;

  std::map<Stream, Log> logs_;
};

}  // namespace amicale::simulation
