// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/traffic.h"

#include <string>

namespace amicale::load {
namespace {

constexpr char kDigits[] = "0123456789abcdef";
// What people would write; without characters that a protocol has to escape.
constexpr std::string_view kProse =
    "Bonjour, la reunion de jeudi est avancee a dix-huit heures; qui apporte les chaises et le "
    "projecteur, svp ?";

}  // namespace

Traffic::Traffic(uint32_t rooms, uint32_t members, bool ordered, uint32_t lag)
    : expected_(members), ordered_(ordered), lag_(lag) {
  if (!std::has_single_bit(lag)) throw std::invalid_argument("lag must be a power of two");
  slots_.resize(ordered ? uint64_t{rooms} * lag : lag);
  lengths_.resize(rooms);
  // A post may wait in a socket while many later ones overtake it: far more places than are under way at any time.
  constexpr size_t tickets = size_t{1} << 20;
  intended_.resize(tickets);
  ticketed_.resize(tickets);
}

std::string_view Traffic::write(int64_t intended_ns) {
  const uint32_t ticket = next_ticket_++;
  const size_t place = ticket & (intended_.size() - 1);
  intended_[place] = intended_ns;
  ticketed_[place] = ticket;
  text_.resize(kTextBytes, ' ');
  for (int i = 0; i < 8; ++i) text_[i] = kDigits[ticket >> (28 - 4 * i) & 15];
  text_[8] = ' ';
  text_.replace(9, kProse.size(), kProse);
  text_.resize(kTextBytes, '.');
  if (!ordered_) {
    Message& message = slots_[ticket & (lag_ - 1)];
    std::memcpy(&message.stamp, text_.data(), sizeof message.stamp);
    message.intended_ns = intended_ns;
    message.seen = 0;
  }
  ++written_;
  return text_;
}

uint32_t Traffic::ticket_of(uint64_t stamp) {
  char digits[8];
  std::memcpy(digits, &stamp, 8);
  uint32_t ticket = 0;
  for (char digit : digits) {
    const bool decimal = digit >= '0' && digit <= '9';
    if (!decimal && (digit < 'a' || digit > 'f')) return 0;
    ticket = ticket << 4 | static_cast<uint32_t>(decimal ? digit - '0' : digit - 'a' + 10);
  }
  return ticket;
}

Traffic::Message* Traffic::first_seen(Link& link, uint64_t stamp) {
  const uint32_t ticket = ticket_of(stamp);
  const size_t place = ticket & (intended_.size() - 1);
  if (ticket == 0 || ticketed_[place] != ticket) {
    refused(link, "a message that was not sent, or that came twice");
    return nullptr;
  }
  Message& message = slots_[uint64_t{link.room} * lag_ + (link.position & (lag_ - 1))];
  if (message.stamp != 0 && message.seen < expected_) {
    refused(link, "a member is further behind than can be accounted for");
    return nullptr;
  }
  ticketed_[place] = 0;
  message = {stamp, intended_[place], 0};
  ++lengths_[link.room];
  return &message;
}

Traffic::Message* Traffic::by_ticket(uint64_t stamp) {
  Message& message = slots_[ticket_of(stamp) & (lag_ - 1)];
  return message.stamp == stamp && message.seen < expected_ ? &message : nullptr;
}

void Traffic::completed(uint32_t room) {
  ++complete_;
  if (note_rooms_) completed_rooms_.push_back(room);
}

void Traffic::accepted(Link& link) {
  if (link.pending.empty()) return refused(link, "an answer to nothing");
  const int64_t intended = link.pending.front();
  link.pending.pop_front();
  ++answers_;
  if (intended >= from_ns_ && intended < to_ns_) answer_latency_.add(now_ns_ - intended);
  if (note_answers_) answered_.push_back(link.index);
}

void Traffic::shed(Link& link) {
  if (link.pending.empty()) return refused(link, "an answer to nothing");
  link.pending.pop_front();
  ++shed_;
  if (note_rooms_) completed_rooms_.push_back(link.room);
  if (note_answers_) answered_.push_back(link.index);
}

void Traffic::refused(const Link& link, std::string_view why) {
  if (errors_++ == 0)
    first_error_ = "connection " + std::to_string(link.index) + ": " + std::string(why);
}

void Traffic::paged(Link& link, uint32_t messages, uint64_t bytes) {
  if (link.pending.empty()) return refused(link, "a page that was not asked for");
  const int64_t intended = link.pending.front();
  link.pending.pop_front();
  ++pages_;
  page_messages_ += messages;
  page_bytes_ += bytes;
  if (intended >= from_ns_ && intended < to_ns_) answer_latency_.add(now_ns_ - intended);
  if (note_answers_) answered_.push_back(link.index);
}

}  // namespace amicale::load
