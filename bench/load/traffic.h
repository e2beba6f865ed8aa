// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What drivers report, and the account that is kept of it.
//
// The text of a message begins with its ticket: eight hexadecimal digits, counted over the whole run. Whoever is first to
// receive the n-th message of a room thereby says which one it is; everyone else's n-th must be the same. So each member's
// deliveries are proved to be the same, in the same order, without hole or repeat, at the price of one comparison of eight
// bytes; and the time for which a message was meant is found without being sent along.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/histogram.h"

namespace amicale::load {

// One connection as a driver sees it. `out` is written to the socket once at the end of the loop's turn.
struct Link {
  uint32_t index = 0;   // 0 … Plan::links() - 1
  uint32_t room = 0;    // index / members
  uint32_t person = 0;  // index % people
  std::string out;      // append what is to be sent
  bool again = false;   // begin() is a return after a cut

  // The driver's own; kept over a cut.
  uint32_t stage = 0;
  uint32_t requests = 0;
  uint64_t cursor = 0;
  uint64_t mark = 0;

  // Kept by the generator.
  bool joined = false;
  uint64_t position = 0;        // messages of the room received
  std::deque<int64_t> pending;  // posts without an answer: when they were meant to be sent
};

class Traffic {
 public:
  // `lag`: how many messages a member may be behind the room's fastest one; a power of two.
  Traffic(uint32_t rooms, uint32_t members, bool ordered, uint32_t lag);

  // --- Called by drivers ---

  // The link is in its room, and (after a cut) has what it missed.
  void joined(Link& link) {
    if (!link.joined) {
      link.joined = true;
      ++joined_;
    }
  }
  // A message of the link's room arrived; `text` as it was posted. Once for each link that follows, author included or not,
  // as the protocol has it.
  void delivered(Link& link, std::string_view text);
  // The link's oldest post without an answer was accepted: where Driver::answers().
  void accepted(Link& link);
  // Something was refused or went wrong; the run is void, and says why.
  void refused(const Link& link, std::string_view why);
  // The link's oldest post was turned away because there is too much to do. Not an error, but it is told, and counted.
  void shed(Link& link);
  // A page of history arrived: how many messages, and the bytes of their texts.
  void paged(Link& link, uint32_t messages, uint64_t bytes);

  // --- Called by workloads ---

  // The next message, and when it is meant to be sent. The text is valid until the next call.
  std::string_view write(int64_t intended_ns);
  static constexpr size_t kTextBytes = 120;

  // Deliveries from now on are of the time `now_ns`: the loop reads the clock once per read.
  void set_now(int64_t now_ns) { now_ns_ = now_ns; }
  int64_t now() const { return now_ns_; }
  // Messages meant for [from, to) are the ones whose latency is counted.
  void measure(int64_t from_ns, int64_t to_ns) { from_ns_ = from_ns, to_ns_ = to_ns; }
  // Whether each of a room's members gets a message, or all but its author.
  void expect(uint32_t deliveries_per_message) { expected_ = deliveries_per_message; }

  uint64_t deliveries() const { return deliveries_; }
  uint64_t written() const { return written_; }
  // Messages that everyone has received.
  uint64_t complete() const { return complete_; }
  // Messages that were turned away.
  uint64_t shed_count() const { return shed_; }
  // Messages of which nothing is known yet.
  uint64_t under_way() const { return written_ - complete_ - shed_; }
  uint64_t answers() const { return answers_; }
  uint64_t pages() const { return pages_; }
  uint64_t page_messages() const { return page_messages_; }
  uint32_t links_joined() const { return joined_; }
  void left(Link& link) {
    if (link.joined) --joined_;
    link.joined = false;
  }
  uint64_t errors() const { return errors_; }
  const std::string& first_error() const { return first_error_; }
  const Histogram& latency() const { return latency_; }
  const Histogram& answer_latency() const { return answer_latency_; }
  const std::vector<uint32_t>& completed_rooms() const { return completed_rooms_; }
  void forget_completed_rooms() { completed_rooms_.clear(); }
  // Whether `completed_rooms` is kept: a closed window needs it.
  void note_completed_rooms(bool on) { note_rooms_ = on; }
  // The same for links whose post was accepted or whose page came.
  const std::vector<uint32_t>& answered_links() const { return answered_; }
  void forget_answered_links() { answered_.clear(); }
  void note_answered_links(bool on) { note_answers_ = on; }
  uint64_t page_bytes() const { return page_bytes_; }
  // The link was cut and will be given the last `missed` messages of its room once more.
  void rewind(Link& link, uint32_t missed) {
    link.position -= std::min<uint64_t>(missed, link.position);
    link.pending.clear();
  }

 private:
  struct Message {
    uint64_t stamp = 0;  // the ticket's eight digits as they lie in the text
    int64_t intended_ns = 0;
    uint32_t seen = 0;  // members who have it
  };

  static uint32_t ticket_of(uint64_t stamp);
  Message* first_seen(Link& link, uint64_t stamp);
  Message* by_ticket(uint64_t stamp);
  void completed(uint32_t room);

  uint32_t expected_;
  bool ordered_, note_rooms_ = false, note_answers_ = false;
  uint32_t lag_;
  std::vector<Message>
      slots_;  // ordered: rooms × lag, by place in the room; otherwise lag, by ticket
  std::vector<uint64_t> lengths_;   // messages of each room that anyone has received
  std::vector<int64_t> intended_;   // by ticket, in a circle
  std::vector<uint32_t> ticketed_;  // the ticket that holds a place of `intended_`
  std::vector<uint32_t> completed_rooms_, answered_;
  std::string text_;
  uint32_t next_ticket_ = 1;
  int64_t now_ns_ = 0, from_ns_ = 0, to_ns_ = INT64_MAX;
  uint64_t deliveries_ = 0, written_ = 0, complete_ = 0, answers_ = 0, shed_ = 0, pages_ = 0,
           page_messages_ = 0, page_bytes_ = 0, errors_ = 0;
  uint32_t joined_ = 0;
  std::string first_error_;
  Histogram latency_, answer_latency_;
};

inline void Traffic::delivered(Link& link, std::string_view text) {
  if (text.size() < 8) return refused(link, "a text without a ticket");
  uint64_t stamp;
  std::memcpy(&stamp, text.data(), sizeof stamp);
  Message* message;
  if (ordered_) {
    message = &slots_[uint64_t{link.room} * lag_ + (link.position & (lag_ - 1))];
    if (link.position == lengths_[link.room]) {
      message = first_seen(link, stamp);
      if (!message) return;
    } else if (message->stamp != stamp) {
      return refused(link, "a hole, a repeat or another order");
    }
  } else {
    message = by_ticket(stamp);
    if (!message) return refused(link, "a message that was not sent, or long ago");
  }
  ++link.position;
  ++deliveries_;
  if (message->intended_ns >= from_ns_ && message->intended_ns < to_ns_)
    latency_.add(now_ns_ - message->intended_ns);
  if (++message->seen == expected_) completed(link.room);
}

}  // namespace amicale::load
