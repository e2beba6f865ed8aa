// SPDX-License-Identifier: Apache-2.0
//
// What one room, or one direct conversation, shows: messages by number, and after them what this
// client said and the server has not confirmed yet. Numbers are dense and tombstones keep theirs,
// so a missing number is exactly a message not loaded.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "amicale/client/failure.h"
#include "amicale/client/happening.h"
#include "amicale/v1/event.pb.h"
#include "amicale/v1/message.pb.h"
#include "amicale/v1/state.pb.h"
#include "amicale/v1/why.pb.h"

namespace amicale::client {

// Something said here and not confirmed. Replaced by the message itself when its MessagePosted
// arrives.
struct Echo {
  v1::PostMessage request;
  std::uint64_t author = 0;
  std::int64_t time_ms = 0;
  std::uint64_t number = 0;        // known from Committed before the event arrives; 0 = not yet
  std::optional<Failure> failure;  // set: it was not posted; show why, offer to edit or discard
  // Not 0: it waits for the club's committee; `why` says what it met. Goes when it is released, and
  // becomes a failure when it is rejected.
  std::uint64_t held_id = 0;
  v1::Why why;
};

// One line to show. Exactly one of `message`, `echo` and `missing` is set; pointers live until the
// timeline next changes.
struct Row {
  struct Missing {
    std::uint64_t from = 0, to = 0;  // message numbers that exist and are not loaded, inclusive
  };
  const v1::Message* message = nullptr;
  const Echo* echo = nullptr;
  std::optional<Missing> missing;
};

// Not thread-safe: a plain value, owned by whoever shows it.
class Timeline {
 public:
  Timeline() = default;
  Timeline(Stream stream, std::uint64_t room_id) : stream_(stream), room_id_(room_id) {}

  // Starts over at a snapshot: loaded messages are forgotten, echoes stay. `pins` are message
  // numbers.
  void reset(std::uint64_t head_number, std::vector<std::uint64_t> pins, std::uint64_t seq);
  // An event of this stream, in order. Events of other rooms and of other kinds are passed over.
  // True: something changed.
  bool apply(const v1::Event& event);
  // A page of history. False: it is older than changes that are no longer remembered; ask for it
  // again.
  bool merge(const v1::GetHistoryReply& page);

  // Shows `request` (which has a client_msg_id) at the end until it is confirmed. Nothing if it is
  // there already.
  void echo(const v1::PostMessage& request, std::uint64_t author, std::int64_t time_ms);
  // The command's answer: success keeps the echo until its event comes (in either order), failure
  // marks it.
  void answered(const std::string& client_msg_id, const Result<v1::Committed>& result);
  // Drops a failed echo that the user discards or sends again.
  void discard(const std::string& client_msg_id);

  // All rows, oldest first: messages and missing runs up to the head, then echoes. O(loaded).
  std::vector<Row> rows() const;
  // The newest `count` rows.
  std::vector<Row> last_rows(std::size_t count) const;
  const v1::Message* find(std::uint64_t number) const;
  // The message that `message` answers; null: it answers none, or that one is not loaded.
  const v1::Message* replied_to(const v1::Message& message) const;
  const std::deque<Echo>& echoes() const { return echoes_; }

  std::uint64_t head() const { return head_; }  // number of the last message; 0 = none
  std::uint64_t oldest_loaded() const { return messages_.empty() ? 0 : messages_.begin()->first; }
  std::size_t loaded() const { return messages_.size(); }
  // head - watermark, never negative. Exact, whatever is loaded.
  std::uint64_t unread(std::uint64_t watermark) const {
    return head_ > watermark ? head_ - watermark : 0;
  }
  const std::vector<std::uint64_t>& pins() const { return pins_; }
  // The room that an event concerns a message of (0 in a direct conversation); absent: it concerns
  // none.
  static std::optional<std::uint64_t> room_of(const v1::Event& event);
  Stream stream() const { return stream_; }
  std::uint64_t room_id() const { return room_id_; }

 private:
  struct Loaded {
    v1::Message message;
    std::uint64_t as_of = 0;  // seq that this form of the message is true at
  };
  bool change(const v1::Event& event, std::uint64_t number);
  bool review(const v1::HeldReviewed& reviewed);
  static void change_message(v1::Message& message, const v1::Event& event);

  Stream stream_;
  std::uint64_t room_id_ = 0;
  std::map<std::uint64_t, Loaded> messages_;
  std::deque<Echo> echoes_;
  std::vector<std::uint64_t> pins_;
  std::uint64_t head_ = 0;
  std::uint64_t seq_ = 0;
  // Changes to messages that are not loaded, for pages that were read before them. Bounded: a page
  // older than the oldest one dropped is refused.
  std::deque<v1::Event> unplaced_;
  std::uint64_t unplaced_dropped_seq_ = 0;
};

}  // namespace amicale::client
