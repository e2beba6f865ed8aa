// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The slash commands of the chat screen, and what is sent to the server.
#include <algorithm>
#include <charconv>

#include "server/admin/chat_screen.h"
#include "server/admin/vocabulary.h"
#include "server/domain/limits.h"

namespace amicale::admin {
namespace {

constexpr CommandName kCommands[] = {
    {"repondre", "reply", {"[n°] [texte]", "[no.] [text]"}, &phrase::about_reply},
    {"reagir", "react", {"[n°] 👍|:+1:", "[no.] 👍|:+1:"}, &phrase::about_react},
    {"modifier", "edit", {"[n°]", "[no.]"}, &phrase::about_edit},
    {"supprimer", "delete", {"[n°]", "[no.]"}, &phrase::about_delete},
    {"epingler", "pin", {"[n°]", "[no.]"}, &phrase::about_pin},
    {"epingles", "pins", {"", ""}, &phrase::about_pins},
    {"membres", "members", {"", ""}, &phrase::about_members},
    {"prive", "dm", {"@nom [mot d'introduction]", "@name [introduction]"}, &phrase::about_dm},
    {"sourdine", "mute", {"[rien|mentions|tout]", "[muted|mentions|all]"}, &phrase::about_mute},
    {"moi", "me", {"texte", "text"}, &phrase::about_me},
    {"aller", "go", {"#salle", "#room"}, &phrase::about_go},
    {"suivant", "next", {"", ""}, &phrase::about_next},
    {"reessayer", "retry", {"", ""}, &phrase::about_retry},
    {"abandonner", "discard", {"", ""}, &phrase::about_discard},
    {"accepter", "accept", {"", ""}, &phrase::about_accept},
    {"decliner", "decline", {"", ""}, &phrase::about_decline},
    {"bloquer", "block", {"", ""}, &phrase::about_block},
    {"debloquer", "unblock", {"", ""}, &phrase::about_unblock},
    {"aide", "help", {"", ""}, &phrase::about_help},
    {"quitter", "quit", {"", ""}, &phrase::about_quit},
};

struct Emoji {
  std::string_view name, sign;
};
constexpr Emoji kEmoji[] = {
    {"+1", "👍"},      {"-1", "👎"},    {"heart", "❤️"}, {"coeur", "❤️"},  {"smile", "😄"},
    {"sourire", "😄"}, {"joy", "😂"},   {"tada", "🎉"}, {"bravo", "👏"}, {"clap", "👏"},
    {"eyes", "👀"},    {"yeux", "👀"},  {"ok", "👌"},   {"merci", "🙏"}, {"thanks", "🙏"},
    {"fire", "🔥"},    {"think", "🤔"}, {"sad", "😢"},  {"check", "✅"}, {"wave", "👋"},
    {"rocket", "🚀"},  {"idea", "💡"},
};

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \n");
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \n") - from + 1));
}

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// As many bytes of `text` as spell `name`, whatever the case and the accents; 0 = it is not there, or goes on.
std::size_t spelled_at(std::string_view text, std::string_view name) {
  std::size_t at = 0, name_at = 0;
  while (name_at < name.size()) {
    if (at >= text.size()) return 0;
    next_code_point(name, name_at);
    next_code_point(text, at);
  }
  if (at < text.size() && is_word_character(text[at])) return 0;
  return folded(text.substr(0, at)) == folded(name) ? at : 0;
}

}  // namespace

std::span<const CommandName> chat_commands() { return kCommands; }

void ChatScreen::run_command(const std::string& line, client::Time now) {
  const std::size_t space = std::min(line.find_first_of(" \n"), line.size());
  const std::string typed = folded(std::string_view(line).substr(1, space - 1));
  std::string rest = trimmed(std::string_view(line).substr(space));
  std::string_view name;
  for (const auto& command : kCommands) {
    if (typed == command.fr || typed == command.en) name = command.en;
  }
  if (name.empty())
    return tell(text(phrase::chat_no_such_command, printable(line.substr(0, space))), now, true);
  if (name == "help") {
    overlay_ = Overlay::help;
    overlay_top_ = 0;
    return;
  }
  if (name == "quit") return effects_.push_back(Quit{});
  if (name == "go") return command_go(rest, now);
  if (name == "next") return go_to_unread();
  if (!current_ || !timeline()) return tell(text(phrase::chat_no_place), now, true);
  if (name == "reply")
    command_reply(rest, now);
  else if (name == "react")
    command_react(rest, now);
  else if (name == "edit")
    command_edit(rest, now);
  else if (name == "delete")
    command_delete(rest, now);
  else if (name == "pin")
    command_pin(rest, now);
  else if (name == "dm")
    command_direct(rest, now);
  else if (name == "mute")
    command_mute(rest, now);
  else if (name == "retry")
    retry(now);
  else if (name == "discard")
    discard();
  else if (name == "me") {
    if (!rest.empty()) say_message("*" + rest + "*", now);
  } else if (name == "pins") {
    if (timeline()->pins().empty()) return tell(text(phrase::chat_no_pins), now);
    overlay_ = Overlay::pins;
    overlay_top_ = 0;
    for (const auto number : timeline()->pins()) want_history({number, number});
  } else if (name == "members") {
    if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
    overlay_ = Overlay::members;
    overlay_top_ = 0;
  } else {  // accept, decline, block, unblock
    if (!direct()) return tell(text(phrase::chat_only_in_direct), now, true);
    if (name == "accept" || name == "decline")
      answer_direct(name == "accept");
    else
      block_direct(name == "unblock");
  }
}

const v1::Message* ChatScreen::message(std::uint64_t number) const {
  return timeline() ? timeline()->find(number) : nullptr;
}

std::uint64_t ChatScreen::take_number(std::string& rest) const {
  std::string_view digits = rest;
  if (digits.starts_with('#')) digits.remove_prefix(1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = end == digits.data() + digits.size() || *end == ' ' || *end == '\n';
  if (error != std::errc() || !whole) return 0;
  rest =
      trimmed(std::string_view(end, static_cast<std::size_t>(digits.data() + digits.size() - end)));
  return number;
}

std::uint64_t ChatScreen::chosen_message(std::uint64_t number, bool own) const {
  if (number == 0) number = selected_;
  if (number != 0) {
    const auto* found = message(number);
    return found && !found->deleted() ? number : 0;
  }
  const auto rows = timeline()->rows();
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->message && !row->message->deleted() && (!own || row->message->author() == me())) {
      return row->message->number();
    }
  }
  return 0;
}

void ChatScreen::command_reply(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = chosen_message(take_number(rest), false);
  if (number == 0) return tell(text(phrase::chat_no_such_message), now, true);
  reply_to_ = number;
  selected_ = 0;
  if (!rest.empty()) say_message(rest, now);
}

void ChatScreen::command_react(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = chosen_message(take_number(rest), false);
  if (number == 0) return tell(text(phrase::chat_no_such_message), now, true);
  std::string emoji = rest;
  if (emoji.size() > 2 && emoji.starts_with(':') && emoji.ends_with(':')) {
    const std::string shortcode = folded(emoji.substr(1, emoji.size() - 2));
    emoji.clear();
    for (const auto& known : kEmoji) {
      if (known.name == shortcode) emoji = known.sign;
    }
  }
  if (emoji.empty() || emoji.size() > domain::limits::emoji_bytes) {
    return tell(text(phrase::chat_which_emoji), now, true);
  }
  v1::ClientFrame frame;
  auto& react = *frame.mutable_react();
  *react.mutable_stream() = current_->stream.proto();
  react.set_room_id(current_->room_id);
  react.set_number(number);
  react.set_emoji(emoji);
  for (const auto& reaction : message(number)->reactions()) {
    if (reaction.emoji() == emoji)
      react.set_remove(std::ranges::count(reaction.accounts(), me()) > 0);
  }
  selected_ = 0;
  ask(std::move(frame));
}

void ChatScreen::command_edit(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = chosen_message(take_number(rest), true);
  if (number == 0) return tell(text(phrase::chat_no_own_message), now, true);
  if (message(number)->author() != me()) return tell(text(phrase::chat_not_yours), now, true);
  editing_ = number;
  reply_to_ = selected_ = 0;
  composer_.set(message(number)->body());
}

void ChatScreen::command_delete(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = chosen_message(take_number(rest), true);
  if (number == 0) return tell(text(phrase::chat_no_such_message), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_delete_message();
  *request.mutable_stream() = current_->stream.proto();
  request.set_room_id(current_->room_id);
  request.set_number(number);
  selected_ = 0;
  question_ = Question{text(phrase::chat_ask_delete, number), {Ask{std::move(frame)}}, false};
}

void ChatScreen::command_pin(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = chosen_message(take_number(rest), false);
  if (number == 0) return tell(text(phrase::chat_no_such_message), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_pin_message();
  *request.mutable_stream() = current_->stream.proto();
  request.set_room_id(current_->room_id);
  request.set_number(number);
  request.set_unpin(std::ranges::count(timeline()->pins(), number) > 0);
  selected_ = 0;
  ask(std::move(frame));
}

void ChatScreen::command_direct(const std::string& arguments, client::Time now) {
  const auto* club =
      current_->stream.kind == v1::STREAM_KIND_CLUB ? model_.club(current_->stream.id) : nullptr;
  if (!club) return tell(text(phrase::chat_only_in_club), now, true);
  std::string_view typed = arguments;
  if (typed.starts_with('@')) typed.remove_prefix(1);
  const v1::Member* found = nullptr;
  std::size_t length = 0;
  for (const auto& [id, member] : club->members) {
    const std::size_t matched = spelled_at(typed, member.display_name());
    if (id != me() && matched > length) {
      found = &member;
      length = matched;
    }
  }
  if (!found) return tell(text(phrase::chat_which_member), now, true);
  const auto stream = client::Stream::between(me(), found->account_id());
  if (model_.direct(stream.id)) return go({stream, 0});
  v1::ClientFrame frame;
  frame.mutable_open_direct()->set_account_id(found->account_id());
  frame.mutable_open_direct()->set_introduction(trimmed(typed.substr(length)));
  question_ = Question{text(phrase::chat_ask_direct, printable(found->display_name())),
                       {Ask{std::move(frame)}},
                       false};
}

void ChatScreen::command_mute(const std::string& arguments, client::Time now) {
  const auto level =
      arguments.empty() ? std::optional(v1::NOTIFICATION_LEVEL_MUTED) : level_from(arguments);
  if (!level) return tell(text(phrase::chat_which_level), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_set_level();
  *request.mutable_stream() = current_->stream.proto();
  request.set_room_id(current_->room_id);
  request.set_level(*level);
  ask(std::move(frame));
}

void ChatScreen::command_go(const std::string& arguments, client::Time now) {
  std::string wanted = trimmed(arguments);
  if (wanted.starts_with('#') || wanted.starts_with('@')) wanted.erase(0, 1);
  wanted = folded(wanted);
  const auto all = places();
  // The same club first: many clubs have a room of the same name.
  for (const bool same_club : {true, false}) {
    for (const bool whole : {true, false}) {
      for (const Place& place : all) {
        if (same_club && current_ && place.stream != current_->stream) continue;
        const std::string name = folded(place_name(place));
        if (whole ? name == wanted : !wanted.empty() && name.starts_with(wanted)) return go(place);
      }
    }
  }
  tell(text(phrase::chat_which_place), now, true);
}

void ChatScreen::answer_direct(bool accept) {
  v1::ClientFrame frame;
  frame.mutable_answer_direct()->set_direct_id(current_->stream.id);
  frame.mutable_answer_direct()->set_accept(accept);
  ask(std::move(frame));
}

void ChatScreen::block_direct(bool unblock) {
  const auto& conversation = direct()->direct;
  v1::ClientFrame frame;
  frame.mutable_block_direct()->set_account_id(conversation.other());
  frame.mutable_block_direct()->set_unblock(unblock);
  if (unblock) return ask(std::move(frame));
  question_ = Question{text(phrase::chat_ask_block, printable(place_name(*current_))),
                       {Ask{std::move(frame)}},
                       false};
}

void ChatScreen::retry(client::Time now) {
  if (!timeline()) return;
  for (const auto& echo : timeline()->echoes()) {
    if (!echo.failure) continue;
    v1::ClientFrame frame;
    *frame.mutable_post_message() = echo.request;
    // A refusal was the answer to the old id; where the outcome is unknown, the same id makes the repeat harmless.
    if (echo.failure->kind == client::Failure::Kind::Refused)
      frame.mutable_post_message()->clear_client_msg_id();
    model_.timeline(current_->stream, current_->room_id)->discard(echo.request.client_msg_id());
    return ask(std::move(frame));
  }
  tell(text(phrase::chat_nothing_failed), now);
}

void ChatScreen::discard() {
  for (const auto& echo : timeline()->echoes()) {
    if (!echo.failure) continue;
    const v1::PostMessage request = echo.request;
    model_.timeline(current_->stream, current_->room_id)->discard(request.client_msg_id());
    if (composer_.empty()) composer_.set(request.body());  // to be said otherwise
    return;
  }
}

void ChatScreen::say_message(std::string body, client::Time now) {
  if (!current_ || !timeline()) return tell(text(phrase::chat_no_place), now, true);
  v1::ClientFrame frame;
  const v1::Mentions mentions = mentions_in(body);
  if (editing_ != 0) {
    auto& edit = *frame.mutable_edit_message();
    *edit.mutable_stream() = current_->stream.proto();
    edit.set_room_id(current_->room_id);
    edit.set_number(editing_);
    edit.set_body(std::move(body));
    *edit.mutable_mentions() = mentions;
    editing_ = 0;
    composer_.sent();
    return ask(std::move(frame));
  }
  auto& post = *frame.mutable_post_message();
  *post.mutable_stream() = current_->stream.proto();
  post.set_room_id(current_->room_id);
  post.set_body(std::move(body));
  post.set_reply_to(reply_to_);
  *post.mutable_mentions() = mentions;
  if (mentions.all() ||
      mentions.committee()) {  // the text stays until the head count is known and agreed to
    v1::ClientFrame count;
    count.mutable_count_mentions()->set_club_id(current_->stream.id);
    count.mutable_count_mentions()->set_room_id(current_->room_id);
    count.mutable_count_mentions()->set_all(mentions.all());
    count.mutable_count_mentions()->set_committee(mentions.committee());
    counted_post_ = std::move(frame);
    return ask(std::move(count));
  }
  reply_to_ = 0;
  read_when_opened_ = kNoMessage;
  anchor_.reset();
  composer_.sent();
  ask(std::move(frame));
}

v1::Mentions ChatScreen::mentions_in(const std::string& body) const {
  v1::Mentions mentions;
  const auto* club =
      current_->stream.kind == v1::STREAM_KIND_CLUB ? model_.club(current_->stream.id) : nullptr;
  if (!club) return mentions;
  for (std::size_t at = body.find('@'); at != std::string::npos; at = body.find('@', at + 1)) {
    if (at > 0 && is_word_character(body[at - 1])) continue;  // an e-mail address
    const std::string_view rest = std::string_view(body).substr(at + 1);
    const v1::Member* found = nullptr;
    std::size_t length = 0;
    for (const auto& [id, member] : club->members) {
      const std::size_t matched =
          member.status() == v1::MEMBER_STATUS_ACTIVE ? spelled_at(rest, member.display_name()) : 0;
      if (matched > length) {
        found = &member;
        length = matched;
      }
    }
    if (found) {
      const auto limit = static_cast<int>(domain::limits::mentions_per_message);
      if (std::ranges::count(mentions.accounts(), found->account_id()) == 0 &&
          mentions.accounts_size() < limit) {
        mentions.add_accounts(found->account_id());
      }
    } else if (spelled_at(rest, "all") || spelled_at(rest, "tous")) {
      mentions.set_all(true);
    } else if (spelled_at(rest, "committee") || spelled_at(rest, "comite")) {
      mentions.set_committee(true);
    }
  }
  return mentions;
}

}  // namespace amicale::admin
