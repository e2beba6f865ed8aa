// SPDX-License-Identifier: Apache-2.0
#include "amicale/client/timeline.h"

#include <algorithm>
#include <utility>

namespace amicale::client {
namespace {

constexpr std::size_t most_unplaced = 1024;

void change_reaction(v1::Message& message, const v1::ReactionChanged& change, std::uint64_t actor) {
  auto& reactions = *message.mutable_reactions();
  auto reaction = std::find_if(reactions.begin(), reactions.end(),
                               [&](const v1::Reaction& r) { return r.emoji() == change.emoji(); });
  if (reaction == reactions.end()) {
    if (!change.added()) return;
    v1::Reaction& added = *reactions.Add();
    added.set_emoji(change.emoji());
    added.add_accounts(actor);
    return;
  }
  auto& accounts = *reaction->mutable_accounts();
  const auto account = std::find(accounts.begin(), accounts.end(), actor);
  if (change.added()) {
    if (account == accounts.end()) accounts.Add(actor);
    return;
  }
  if (account != accounts.end()) accounts.erase(account);
  if (accounts.empty()) reactions.erase(reaction);
}

v1::Message posted_message(const v1::Event& event) {
  const v1::MessagePosted& posted = event.message_posted();
  v1::Message message;
  message.set_seq(event.seq());
  message.set_room_id(posted.room_id());
  message.set_number(posted.number());
  const std::uint64_t author = posted.author() != 0 ? posted.author() : event.actor();
  message.set_author(posted.imported_author().empty() ? author : 0);
  message.set_body(posted.body());
  message.set_time_ms(posted.imported_time_ms() != 0 ? posted.imported_time_ms() : event.time_ms());
  message.set_reply_to(posted.reply_to());
  if (posted.has_mentions()) *message.mutable_mentions() = posted.mentions();
  message.set_client_msg_id(event.client_msg_id());
  message.set_imported_author(posted.imported_author());
  return message;
}

// The room and number that an event about a message concerns; number 0 = it is about none.
std::pair<std::uint64_t, std::uint64_t> place_of(const v1::Event& event) {
  switch (event.body_case()) {
    case v1::Event::kMessagePosted:
      return {event.message_posted().room_id(), event.message_posted().number()};
    case v1::Event::kMessageEdited:
      return {event.message_edited().room_id(), event.message_edited().number()};
    case v1::Event::kMessageDeleted:
      return {event.message_deleted().room_id(), event.message_deleted().number()};
    case v1::Event::kReactionChanged:
      return {event.reaction_changed().room_id(), event.reaction_changed().number()};
    case v1::Event::kMessagePinned:
      return {event.message_pinned().room_id(), event.message_pinned().number()};
    case v1::Event::kMessageRestored:
      return {event.message_restored().room_id(), event.message_restored().number()};
    case v1::Event::kMessageLocked:
      return {event.message_locked().room_id(), event.message_locked().number()};
    default: return {0, 0};
  }
}

}  // namespace

void Timeline::reset(std::uint64_t head_number, std::vector<std::uint64_t> pins,
                     std::uint64_t seq) {
  messages_.clear();
  unplaced_.clear();
  unplaced_dropped_seq_ = 0;
  head_ = head_number;
  pins_ = std::move(pins);
  seq_ = seq;
  // What was confirmed and is now part of the history that will be loaded.
  std::erase_if(echoes_, [&](const Echo& e) { return e.number != 0 && e.number <= head_; });
}

std::optional<std::uint64_t> Timeline::room_of(const v1::Event& event) {
  const auto [room, number] = place_of(event);
  return number == 0 ? std::nullopt : std::optional(room);
}

bool Timeline::apply(const v1::Event& event) {
  if (event.seq() <= seq_) return false;
  seq_ = event.seq();
  if (event.has_held_reviewed()) return review(event.held_reviewed());
  const auto [room, number] = place_of(event);
  if (number == 0 || room != room_id_) return false;

  if (event.has_message_posted()) {
    Loaded& loaded = messages_[number];
    if (loaded.as_of < event.seq()) loaded = {posted_message(event), event.seq()};
    head_ = std::max(head_, number);
    if (!event.client_msg_id().empty()) {
      std::erase_if(echoes_, [&](const Echo& e) {
        return e.request.client_msg_id() == event.client_msg_id();
      });
    }
    return true;
  }
  if (event.has_message_pinned()) {
    std::erase(pins_, number);
    if (event.message_pinned().pinned()) pins_.push_back(number);
    return true;
  }
  if (event.has_message_deleted()) std::erase(pins_, number);
  return change(event, number);
}

bool Timeline::review(const v1::HeldReviewed& reviewed) {
  const auto found = std::find_if(echoes_.begin(), echoes_.end(), [&](const Echo& e) {
    return e.held_id != 0 && e.held_id == reviewed.held_id();
  });
  if (found == echoes_.end()) return false;
  if (reviewed.released()) {
    echoes_.erase(found);
    return true;
  }
  Failure failure;
  failure.kind = Failure::Kind::Refused;
  failure.refusal.set_code(v1::REFUSAL_CODE_FORBIDDEN);
  failure.refusal.set_rule_id("held.rejected");
  failure.refusal.set_message(reviewed.reason());
  failure.message = reviewed.reason();
  found->failure = std::move(failure);
  found->held_id = 0;
  return true;
}

bool Timeline::change(const v1::Event& event, std::uint64_t number) {
  const auto found = messages_.find(number);
  if (found == messages_.end()) {
    unplaced_.push_back(event);
    if (unplaced_.size() > most_unplaced) {
      unplaced_dropped_seq_ = unplaced_.front().seq();
      unplaced_.pop_front();
    }
    return false;
  }
  if (found->second.as_of >= event.seq()) return false;  // its page was already read after this
  change_message(found->second.message, event);
  found->second.as_of = event.seq();
  return true;
}

void Timeline::change_message(v1::Message& message, const v1::Event& event) {
  switch (event.body_case()) {
    case v1::Event::kMessageEdited:
      message.set_body(event.message_edited().body());
      message.clear_mentions();
      if (event.message_edited().has_mentions()) {
        *message.mutable_mentions() = event.message_edited().mentions();
      }
      message.set_edited_seq(event.seq());
      return;
    case v1::Event::kMessageDeleted:
      message.set_deleted(true);
      message.clear_body();
      message.clear_mentions();
      message.clear_reactions();
      message.set_deleted_by(event.actor());
      message.set_delete_reason(event.message_deleted().reason());
      message.set_delete_text(event.message_deleted().text());
      message.set_deleted_seq(event.seq());
      if (event.has_on_behalf()) *message.mutable_deleted_for() = event.on_behalf();
      return;
    case v1::Event::kMessageRestored:
      message.set_deleted(false);
      message.set_body(event.message_restored().body());
      if (event.message_restored().has_mentions()) {
        *message.mutable_mentions() = event.message_restored().mentions();
      }
      message.clear_deleted_by();
      message.clear_delete_reason();
      message.clear_delete_text();
      message.clear_deleted_seq();
      message.clear_deleted_for();
      message.set_restored_seq(event.seq());
      return;
    case v1::Event::kMessageLocked:
      message.set_edit_locked(event.message_locked().locked());
      return;
    case v1::Event::kReactionChanged:
      return change_reaction(message, event.reaction_changed(), event.actor());
    default: return;
  }
}

bool Timeline::merge(const v1::GetHistoryReply& page) {
  if (page.seq() < unplaced_dropped_seq_) return false;
  for (const v1::Message& message : page.messages()) {
    if (message.number() == 0) continue;
    Loaded& loaded = messages_[message.number()];
    if (loaded.as_of != 0 && loaded.as_of >= page.seq()) continue;
    loaded = {message, page.seq()};
    for (const v1::Event& event : unplaced_) {
      if (event.seq() <= page.seq() || place_of(event).second != message.number()) continue;
      change_message(loaded.message, event);
      loaded.as_of = event.seq();
    }
    if (!message.client_msg_id().empty()) {
      std::erase_if(echoes_, [&](const Echo& e) {
        return e.request.client_msg_id() == message.client_msg_id();
      });
    }
  }
  head_ = std::max(head_, page.head_number());
  return true;
}

void Timeline::echo(const v1::PostMessage& request, std::uint64_t author, std::int64_t time_ms) {
  for (const Echo& echo : echoes_) {
    if (echo.request.client_msg_id() == request.client_msg_id()) return;
  }
  // A command found in the outbox store may have taken effect before.
  for (auto loaded = messages_.rbegin(); loaded != messages_.rend(); ++loaded) {
    if (loaded->second.message.client_msg_id() == request.client_msg_id()) return;
  }
  echoes_.push_back({request, author, time_ms, 0, std::nullopt, 0, {}});
}

void Timeline::answered(const std::string& client_msg_id, const Result<v1::Committed>& result) {
  const auto found = std::find_if(echoes_.begin(), echoes_.end(), [&](const Echo& e) {
    return e.request.client_msg_id() == client_msg_id;
  });
  if (found == echoes_.end()) return;  // the event came first
  if (!result) {
    found->failure = result.error();
    return;
  }
  found->failure.reset();
  if (result->held()) {
    found->held_id = result->object_id();
    found->why = result->why();
    return;
  }
  found->number = result->object_id();
  // A repeat may be answered long after its event was passed, by a snapshot for one.
  if (result->last_seq() != 0 && result->last_seq() <= seq_) echoes_.erase(found);
}

void Timeline::discard(const std::string& client_msg_id) {
  std::erase_if(echoes_, [&](const Echo& e) { return e.request.client_msg_id() == client_msg_id; });
}

std::vector<Row> Timeline::rows() const {
  std::vector<Row> out;
  out.reserve(messages_.size() + echoes_.size() + 1);
  std::uint64_t next = 1;
  const auto missing_until = [&](std::uint64_t number) {
    if (next < number) out.push_back({nullptr, nullptr, Row::Missing{next, number - 1}});
  };
  for (const auto& [number, loaded] : messages_) {
    missing_until(number);
    out.push_back({&loaded.message, nullptr, std::nullopt});
    next = number + 1;
  }
  missing_until(head_ + 1);
  for (const Echo& echo : echoes_) out.push_back({nullptr, &echo, std::nullopt});
  return out;
}

std::vector<Row> Timeline::last_rows(std::size_t count) const {
  std::vector<Row> out;
  for (auto echo = echoes_.rbegin(); echo != echoes_.rend() && out.size() < count; ++echo) {
    out.push_back({nullptr, &*echo, std::nullopt});
  }
  std::uint64_t expected = head_;
  auto loaded = messages_.rbegin();
  while (expected > 0 && out.size() < count) {
    const std::uint64_t number = loaded == messages_.rend() ? 0 : loaded->first;
    if (number < expected) {
      out.push_back({nullptr, nullptr, Row::Missing{number + 1, expected}});
      expected = number;
      continue;
    }
    out.push_back({&loaded->second.message, nullptr, std::nullopt});
    ++loaded;
    --expected;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

const v1::Message* Timeline::find(std::uint64_t number) const {
  const auto found = messages_.find(number);
  return found == messages_.end() ? nullptr : &found->second.message;
}

const v1::Message* Timeline::replied_to(const v1::Message& message) const {
  return message.reply_to() == 0 ? nullptr : find(message.reply_to());
}

}  // namespace amicale::client
