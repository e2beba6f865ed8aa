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
    {"supprimer",
     "delete",
     {"[n°] [motif [texte]]", "[no.] [reason [text]]"},
     &phrase::about_delete},
    {"retablir", "restore", {"n°", "no."}, &phrase::about_restore, true},
    {"figer", "freeze", {"[n°]", "[no.]"}, &phrase::about_freeze, true},
    {"verrouiller", "lock", {"[raison]", "[reason]"}, &phrase::about_lock, true},
    {"lent", "slow", {"durée|0 [raison]", "duration|0 [reason]"}, &phrase::about_slow, true},
    {"epingler", "pin", {"[n°]", "[no.]"}, &phrase::about_pin, true},
    {"epingles", "pins", {"", ""}, &phrase::about_pins},
    {"membres", "members", {"", ""}, &phrase::about_members},
    {"prive", "dm", {"@nom [mot d'introduction]", "@name [introduction]"}, &phrase::about_dm},
    {"sourdine", "mute", {"[rien|mentions|tout]", "[muted|mentions|all]"}, &phrase::about_mute},
    {"signaler",
     "report",
     {"[n°|@nom] motif [texte]", "[no.|@name] reason [text]"},
     &phrase::about_report},
    {"signalements", "reports", {"", ""}, &phrase::about_reports, true},
    {"prendre", "claim", {"n°", "no."}, &phrase::about_claim, true},
    {"classer",
     "close",
     {"n° sans-suite|agi [texte]", "no. dismissed|acted [text]"},
     &phrase::about_close,
     true},
    {"retenus", "held", {"", ""}, &phrase::about_held},
    {"publier", "release", {"n° [texte]", "no. [text]"}, &phrase::about_release, true},
    {"refuser", "refuse", {"n°|tous [pourquoi]", "no.|all [why]"}, &phrase::about_refuse, true},
    {"avertir", "warn", {"@nom motif [texte]", "@name reason [text]"}, &phrase::about_warn, true},
    {"taire",
     "silence",
     {"@nom durée motif [texte]", "@name duration reason [text]"},
     &phrase::about_silence,
     true},
    {"suspendre",
     "suspend",
     {"@nom durée motif [texte]", "@name duration reason [text]"},
     &phrase::about_suspend,
     true},
    {"renvoyer", "kick", {"@nom motif [texte]", "@name reason [text]"}, &phrase::about_kick, true},
    {"exclure",
     "ban",
     {"@nom [durée] motif [texte]", "@name [duration] reason [text]"},
     &phrase::about_ban,
     true},
    {"retirer",
     "purge",
     {"@nom depuis motif [texte]", "@name since reason [text]"},
     &phrase::about_purge,
     true},
    {"balayer",
     "sweep",
     {"depuis motif [texte]", "since reason [text]"},
     &phrase::about_sweep,
     true},
    {"alerte", "raid", {"[durée] [texte]", "[duration] [text]"}, &phrase::about_raid, true},
    {"accalmie", "calm", {"[texte]", "[text]"}, &phrase::about_calm, true},
    {"annuler", "undo", {"n°", "no."}, &phrase::about_undo, true},
    {"contester", "contest", {"n° pourquoi", "no. why"}, &phrase::about_contest},
    {"trancher",
     "decide",
     {"n° accordé|refusé texte", "no. granted|denied text"},
     &phrase::about_judge,
     true},
    {"appels", "appeals", {"", ""}, &phrase::about_appeals, true},
    {"aunom",
     "behalf",
     {"comité|@nom /commande", "committee|@name /command"},
     &phrase::about_behalf,
     true},
    {"charte", "charter", {"[oui]", "[yes]"}, &phrase::about_charter},
    {"conseil", "advise", {"@nom motif", "@name reason"}, &phrase::about_advise, true},
    {"propositions", "proposals", {"", ""}, &phrase::about_proposals, true},
    {"confirmer", "confirm", {"n° [texte]", "no. [text]"}, &phrase::about_confirm, true},
    {"ecarter", "reject", {"n° pourquoi", "no. why"}, &phrase::about_reject, true},
    {"desister", "withdraw", {"n°", "no."}, &phrase::about_withdraw, true},
    {"lever", "lift", {"n° [texte]", "no. [text]"}, &phrase::about_lift, true},
    {"sanctions", "cases", {"[@nom]", "[@name]"}, &phrase::about_sanctions},
    {"moi", "me", {"texte", "text"}, &phrase::about_me},
    {"aller", "go", {"#salle", "#room"}, &phrase::about_go},
    {"suivant", "next", {"", ""}, &phrase::about_next},
    {"reessayer", "retry", {"", ""}, &phrase::about_retry},
    {"abandonner", "discard", {"", ""}, &phrase::about_discard},
    {"pourquoi", "why", {"", ""}, &phrase::about_why},
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

std::string take_word(std::string& rest) {
  const std::size_t end = std::min(rest.find_first_of(" \n"), rest.size());
  std::string word = rest.substr(0, end);
  rest = trimmed(std::string_view(rest).substr(end));
  return word;
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
  if (name == "cases") return command_sanctions(rest, now);
  if (!current_ || !timeline()) return tell(text(phrase::chat_no_place), now, true);
  if (name == "warn") return command_sanction(v1::SANCTION_KIND_WARNING, rest, now);
  if (name == "silence") return command_sanction(v1::SANCTION_KIND_MUTE, rest, now);
  if (name == "suspend") return command_sanction(v1::SANCTION_KIND_SUSPENSION, rest, now);
  if (name == "kick") return command_sanction(v1::SANCTION_KIND_KICK, rest, now);
  if (name == "ban") return command_sanction(v1::SANCTION_KIND_BAN, rest, now);
  if (name == "lift") return command_lift(rest, now);
  if (name == "behalf") return command_behalf(rest, now);
  if (name == "charter") return command_charter(rest, now);
  if (name == "advise") return command_advise(rest, now);
  if (name == "proposals") return command_proposals(now);
  if (name == "confirm" || name == "reject") return command_second(name == "confirm", rest, now);
  if (name == "withdraw") return command_withdraw(rest, now);
  if (name == "contest") return command_contest(rest, now);
  if (name == "appeals") return command_appeals(now);
  if (name == "decide") return command_decide(rest, now);
  if (name == "report") return command_report(rest, now);
  if (name == "reports") return command_reports(now);
  if (name == "held") return command_held(now);
  if (name == "release" || name == "refuse") return command_review(name == "release", rest, now);
  if (name == "claim") return command_claim(rest, now);
  if (name == "close") return command_close(rest, now);
  if (name == "raid") return command_raid(rest, now);
  if (name == "calm") return command_calm(rest, now);
  if (name == "sweep") return command_sweep(rest, now);
  if (name == "purge") return command_purge(rest, now);
  if (name == "undo") return command_undo(rest, now);
  if (name == "restore") return command_restore(rest, now);
  if (name == "freeze") return command_freeze(rest, now);
  if (name == "lock") return command_lock(rest, now);
  if (name == "slow") return command_slow(rest, now);
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
  } else if (name == "why") {
    if (judged_echo() == nullptr) return tell(text(phrase::chat_nothing_judged), now);
    overlay_ = Overlay::why;
    overlay_top_ = 0;
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

const client::Echo* ChatScreen::judged_echo() const {
  const client::Echo* found = nullptr;
  if (!timeline()) return found;
  for (const client::Echo& echo : timeline()->echoes()) {
    if (echo.held_id != 0 || (echo.failure && echo.failure->refusal.has_why())) found = &echo;
  }
  return found;
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

std::uint64_t ChatScreen::take_case(std::string& rest, const Phrase& missing, client::Time now) {
  const std::uint64_t number = room() != nullptr ? take_number(rest) : 0;
  if (number == 0) tell(text(room() != nullptr ? missing : phrase::chat_only_in_club), now, true);
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
  if (!rest.empty()) {
    const auto reason = reason_from(take_word(rest));
    if (!reason) {
      return tell(text(phrase::chat_which_reason, reason_words(options_.language)), now, true);
    }
    request.set_reason(*reason);
    request.set_text(rest);
  }
  selected_ = 0;
  question_ = Question{text(phrase::chat_ask_delete, number), {Ask{std::move(frame)}}, false};
}

void ChatScreen::command_restore(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  std::uint64_t number = take_number(rest);
  if (number == 0) number = selected_;
  const auto* gone = message(number);
  if (!gone || !gone->deleted()) return tell(text(phrase::chat_no_such_message), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_restore_message();
  *request.mutable_stream() = current_->stream.proto();
  request.set_room_id(current_->room_id);
  request.set_number(number);
  selected_ = 0;
  ask(std::move(frame));
}

void ChatScreen::command_freeze(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = chosen_message(take_number(rest), false);
  if (number == 0) return tell(text(phrase::chat_no_such_message), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_lock_message();
  *request.mutable_stream() = current_->stream.proto();
  request.set_room_id(current_->room_id);
  request.set_number(number);
  request.set_unlock(message(number)->edit_locked());
  selected_ = 0;
  ask(std::move(frame));
}

void ChatScreen::command_lock(const std::string& reason, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_change_room();
  request.set_club_id(current_->stream.id);
  request.set_room_id(current_->room_id);
  request.set_locked(!room()->locked());
  request.set_reason(reason);
  ask(std::move(frame));
}

void ChatScreen::command_slow(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  std::string rest = arguments;
  const std::string typed = take_word(rest);
  const auto seconds = typed == "0" ? std::optional<std::uint32_t>(0) : duration_from(typed);
  if (!seconds) return tell(text(phrase::chat_which_duration), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_change_room();
  request.set_club_id(current_->stream.id);
  request.set_room_id(current_->room_id);
  request.set_slow_mode_s(*seconds);
  request.set_reason(rest);
  ask(std::move(frame));
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
  std::string introduction = arguments;
  const v1::Member* found = take_member(introduction);
  if (!found) return tell(text(phrase::chat_which_member), now, true);
  const auto stream = client::Stream::between(me(), found->account_id());
  if (model_.direct(stream.id)) return go({stream, 0});
  v1::ClientFrame frame;
  frame.mutable_open_direct()->set_account_id(found->account_id());
  frame.mutable_open_direct()->set_introduction(introduction);
  question_ = Question{
      text(phrase::chat_ask_direct, printable(called(*found))), {Ask{std::move(frame)}}, false};
}

const v1::Member* ChatScreen::take_member(std::string& rest) const {
  const auto* club = current_ && current_->stream.kind == v1::STREAM_KIND_CLUB
                         ? model_.club(current_->stream.id)
                         : nullptr;
  if (!club) return nullptr;
  std::string_view typed = rest;
  if (typed.starts_with('@')) typed.remove_prefix(1);
  std::vector<const v1::Member*> found;
  std::size_t length = 0;
  for (const auto& [id, member] : club->members) {
    if (id == me()) continue;
    // By number, alone or behind the name.
    const std::string number = std::to_string(id);
    std::size_t matched = spelled_at(typed, numbered(member));
    if (matched == 0 && typed.substr(0, typed.find(' ')) == number) matched = number.size();
    if (matched == 0) matched = spelled_at(typed, member.display_name());
    if (matched == 0 || matched < length) continue;
    if (matched > length) found.clear();
    length = matched;
    found.push_back(&member);
  }
  if (found.empty()) {
    length = std::min(typed.find(' '), typed.size());
    const std::string first = folded(typed.substr(0, length)) + ' ';
    for (const auto& [id, member] : club->members) {
      if (id != me() && (folded(member.display_name()) + ' ').starts_with(first))
        found.push_back(&member);
    }
  }
  if (found.size() > 1) {
    const auto* chosen = message(selected_);
    std::erase_if(found, [&](const v1::Member* member) {
      return chosen == nullptr || chosen->author() != member->account_id();
    });
  }
  if (found.size() != 1) return nullptr;
  rest = trimmed(typed.substr(length));
  return found.front();
}

std::string ChatScreen::called(const v1::Member& member) const {
  std::string name = member.display_name();
  const auto* club = current_ ? model_.club(current_->stream.id) : nullptr;
  if (!club) return name;
  const std::string same = folded(name);
  const auto bears = [&](const auto& other) { return folded(other.second.display_name()) == same; };
  return std::ranges::count_if(club->members, bears) > 1 ? numbered(member) : name;
}

std::string ChatScreen::numbered(const v1::Member& member) {
  return member.display_name() + " (" + std::to_string(member.account_id()) + ")";
}

// What somebody said is cited when it is the message chosen.
void ChatScreen::command_sanction(v1::SanctionKind kind, const std::string& arguments,
                                  client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  std::string rest = arguments;
  const v1::Member* member = take_member(rest);
  if (!member) return tell(text(phrase::chat_which_member), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_impose_sanction();
  request.set_club_id(current_->stream.id);
  request.set_account_id(member->account_id());
  request.set_kind(kind);
  const bool needs_time = kind == v1::SANCTION_KIND_MUTE || kind == v1::SANCTION_KIND_SUSPENSION;
  std::string how_long;
  if (needs_time || kind == v1::SANCTION_KIND_BAN) {
    std::string after = rest;
    const std::string typed = take_word(after);
    const auto seconds = duration_from(typed);
    if (!seconds && needs_time) return tell(text(phrase::chat_which_duration), now, true);
    if (seconds) {
      request.set_duration_s(*seconds);
      how_long = typed + ", ";
      rest = after;
    }
  }
  const auto reason = reason_from(take_word(rest));
  if (!reason) {
    return tell(text(phrase::chat_which_reason, reason_words(options_.language)), now, true);
  }
  request.set_reason(*reason);
  request.set_text(rest);
  if (const auto* chosen = message(selected_); chosen && chosen->author() == member->account_id()) {
    auto& ref = *request.add_evidence();
    ref.set_room_id(current_->room_id);
    ref.set_number(selected_);
  }
  selected_ = 0;
  question_ = Question{text(phrase::chat_ask_sanction, text(name_of(kind)),
                            printable(called(*member)), how_long + text(name_of(*reason))),
                       {Ask{std::move(frame)}},
                       false};
}

// Of the message that is named or chosen; else of the person.
void ChatScreen::command_report(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_file_report();
  request.set_club_id(current_->stream.id);
  std::string rest = arguments;
  if (rest.starts_with('@')) {
    const v1::Member* member = take_member(rest);
    if (!member) return tell(text(phrase::chat_which_member), now, true);
    request.set_account_id(member->account_id());
  } else {
    const std::uint64_t number = chosen_message(take_number(rest), false);
    if (number == 0) return tell(text(phrase::chat_no_such_message), now, true);
    request.mutable_message()->set_room_id(current_->room_id);
    request.mutable_message()->set_number(number);
  }
  const auto reason = reason_from(take_word(rest));
  if (!reason) {
    return tell(text(phrase::chat_which_reason, reason_words(options_.language)), now, true);
  }
  request.set_reason(*reason);
  request.set_text(rest);
  selected_ = 0;
  ask(std::move(frame));
}

void ChatScreen::command_reports(client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  v1::ClientFrame frame;
  frame.mutable_list_reports()->set_club_id(current_->stream.id);
  ask(std::move(frame));
}

void ChatScreen::command_held(client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  v1::ClientFrame frame;
  frame.mutable_list_held()->set_club_id(current_->stream.id);
  ask(std::move(frame));
}

void ChatScreen::command_review(bool release, const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  std::string rest = arguments;
  if (std::string after = rest; !release && is_all(take_word(after))) {
    if (held_.empty() || held_club_ != current_->stream.id)
      return tell(text(phrase::chat_which_held), now, true);
    return reject_shown(after);
  }
  const std::uint64_t number = take_number(rest);
  if (number == 0) return tell(text(phrase::chat_which_held), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_review_held();
  request.set_club_id(current_->stream.id);
  request.set_held_id(number);
  request.set_release(release);
  request.set_reason(rest);
  ask(std::move(frame));
}

// Those that were shown, and none that came since.
void ChatScreen::reject_shown(const std::string& reason) {
  Question question{text(phrase::chat_ask_reject, held_.size()), {}, false};
  for (const auto& held : held_) {
    v1::ClientFrame frame;
    auto& request = *frame.mutable_review_held();
    request.set_club_id(held_club_);
    request.set_held_id(held.held_id());
    request.set_reason(reason);
    question.on_yes.push_back(Ask{std::move(frame)});
  }
  held_.clear();
  question_ = std::move(question);
}

void ChatScreen::command_claim(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = take_case(rest, phrase::chat_which_report, now);
  if (number == 0) return;
  v1::ClientFrame frame;
  frame.mutable_claim_report()->set_club_id(current_->stream.id);
  frame.mutable_claim_report()->set_report_id(number);
  ask(std::move(frame));
}

void ChatScreen::command_close(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = take_case(rest, phrase::chat_which_report, now);
  if (number == 0) return;
  const std::string outcome = folded(take_word(rest));
  const bool acted = outcome == "agi" || outcome == "acted";
  if (!acted && outcome != "sans-suite" && outcome != "dismissed") {
    return tell(text(phrase::chat_which_outcome), now, true);
  }
  v1::ClientFrame frame;
  auto& request = *frame.mutable_resolve_report();
  request.set_club_id(current_->stream.id);
  request.set_report_id(number);
  request.set_state(acted ? v1::REPORT_STATE_ACTED : v1::REPORT_STATE_DISMISSED);
  request.set_text(rest);
  ask(std::move(frame));
}

// What would go is counted first, and taken away when it is agreed to.
void ChatScreen::command_purge(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  std::string rest = arguments;
  const v1::Member* member = take_member(rest);
  if (!member) return tell(text(phrase::chat_which_member), now, true);
  count_purge(member->account_id(), std::move(rest), now);
}

// As command_purge, of all who have just come in.
void ChatScreen::command_sweep(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  count_purge(0, arguments, now);
}

void ChatScreen::count_purge(std::uint64_t account_id, std::string rest, client::Time now) {
  const auto seconds = duration_from(take_word(rest));
  if (!seconds) return tell(text(phrase::chat_which_duration), now, true);
  const auto reason = reason_from(take_word(rest));
  if (!reason) {
    return tell(text(phrase::chat_which_reason, reason_words(options_.language)), now, true);
  }
  purge_.Clear();
  purge_.set_club_id(current_->stream.id);
  purge_.set_account_id(account_id);
  purge_.set_newcomers(account_id == 0);
  purge_.set_reason(*reason);
  purge_.set_text(rest);
  v1::ClientFrame frame;
  auto& find = *frame.mutable_find_messages();
  find.set_club_id(purge_.club_id());
  find.set_account_id(purge_.account_id());
  find.set_newcomers(purge_.newcomers());
  find.set_since_ms(now_ms() - *seconds * std::int64_t{1'000});
  ask(std::move(frame));
}

void ChatScreen::command_raid(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_start_raid_mode();
  request.set_club_id(current_->stream.id);
  std::string rest = arguments;
  std::string after = rest;
  if (const auto seconds = duration_from(take_word(after))) {
    request.set_duration_s(*seconds);
    rest = after;
  }
  request.set_text(rest);
  std::string question = text(phrase::chat_ask_raid);
  const auto* club = model_.club(current_->stream.id);
  if (club->raid && club->raid->until_ms() > now_ms()) {
    const std::int64_t until_ms = club->raid->until_ms();
    const std::string until = time_text(until_ms);
    // Nobody means to end it sooner by asking for it once more.
    const bool sooner = now_ms() + domain::limits::raid_default_s * std::int64_t{1'000} <= until_ms;
    if (request.duration_s() == 0 && sooner)
      return tell(text(phrase::chat_raid_longer, until), now, true);
    question = text(phrase::chat_ask_raid_again, until);
  }
  question_ = Question{std::move(question), {Ask{std::move(frame)}}, false};
}

void ChatScreen::command_calm(const std::string& said, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  v1::ClientFrame frame;
  frame.mutable_end_raid_mode()->set_club_id(current_->stream.id);
  frame.mutable_end_raid_mode()->set_text(said);
  ask(std::move(frame));
}

void ChatScreen::command_undo(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  std::string rest = arguments;
  std::uint64_t number = take_number(rest);
  if (number == 0 && rest.empty() && last_removal_.first == current_->stream.id)
    number = last_removal_.second;
  if (number == 0) return tell(text(phrase::chat_which_removal), now, true);
  v1::ClientFrame frame;
  frame.mutable_undo_removal()->set_club_id(current_->stream.id);
  frame.mutable_undo_removal()->set_removal_id(number);
  ask(std::move(frame));
}

void ChatScreen::command_contest(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  std::string rest = arguments;
  const std::uint64_t number = take_number(rest);
  if (number == 0 || rest.empty()) return tell(text(phrase::chat_appeal_text), now, true);
  v1::ClientFrame frame;
  frame.mutable_appeal_sanction()->set_club_id(current_->stream.id);
  frame.mutable_appeal_sanction()->set_sanction_id(number);
  frame.mutable_appeal_sanction()->set_text(rest);
  ask(std::move(frame));
}

void ChatScreen::command_appeals(client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  v1::ClientFrame frame;
  frame.mutable_list_appeals()->set_club_id(current_->stream.id);
  ask(std::move(frame));
}

void ChatScreen::command_decide(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  std::string rest = arguments;
  const std::uint64_t number = take_number(rest);
  const std::string outcome = folded(take_word(rest));
  const bool granted = outcome == "accorde" || outcome == "granted";
  const bool known = granted || outcome == "refuse" || outcome == "denied";
  if (number == 0 || !known || rest.empty()) {
    return tell(text(phrase::chat_appeal_text), now, true);
  }
  v1::ClientFrame frame;
  auto& request = *frame.mutable_decide_appeal();
  request.set_club_id(current_->stream.id);
  request.set_sanction_id(number);
  request.set_grant(granted);
  request.set_text(rest);
  ask(std::move(frame));
}

namespace {

// Every request that may be made for somebody else has this field, under this name.
void name_behalf(v1::ClientFrame& frame, const v1::OnBehalf& behalf) {
  const auto* body = v1::ClientFrame::descriptor()->FindFieldByNumber(frame.body_case());
  if (!body) return;
  auto* request = frame.GetReflection()->MutableMessage(&frame, body);
  const auto* field = request->GetDescriptor()->FindFieldByName("on_behalf");
  if (field) request->GetReflection()->MutableMessage(request, field)->CopyFrom(behalf);
}

}  // namespace

// Runs another command, whose requests are then made for the committee or for that officer.
void ChatScreen::command_behalf(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  std::string rest = arguments;
  v1::OnBehalf behalf;
  if (rest.starts_with('@')) {
    const v1::Member* member = take_member(rest);
    if (!member) return tell(text(phrase::chat_which_member), now, true);
    behalf.set_account_id(member->account_id());
  } else if (!is_committee(take_word(rest))) {
    return tell(text(phrase::chat_which_behalf), now, true);
  }
  const std::string typed = folded(std::string_view(rest).substr(0, rest.find_first_of(" \n")));
  if (!rest.starts_with('/') || typed == "/aunom" || typed == "/behalf") {
    return tell(text(phrase::chat_which_behalf), now, true);
  }
  const std::size_t before = effects_.size();
  question_.reset();
  purge_.Clear();
  run_command(rest, now);
  const auto name = [&](Effect& effect) {
    if (auto* ask = std::get_if<Ask>(&effect)) name_behalf(ask->request, behalf);
  };
  for (std::size_t i = before; i < effects_.size(); ++i) name(effects_[i]);
  if (question_) std::ranges::for_each(question_->on_yes, name);
  // What is counted first is taken away later, for the same.
  if (purge_.club_id() != 0) *purge_.mutable_on_behalf() = behalf;
}

// Shown, or accepted as it was shown: the version in force.
void ChatScreen::command_charter(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  v1::ClientFrame frame;
  if (is_yes(arguments)) {
    frame.mutable_accept_charter()->set_club_id(current_->stream.id);
    frame.mutable_accept_charter()->set_version(
        model_.club(current_->stream.id)->club.charter_version());
  } else {
    frame.mutable_get_charter()->set_club_id(current_->stream.id);
  }
  ask(std::move(frame));
}

void ChatScreen::command_advise(const std::string& arguments, client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  std::string rest = arguments;
  const v1::Member* member = take_member(rest);
  if (!member) return tell(text(phrase::chat_which_member), now, true);
  const auto reason = reason_from(take_word(rest));
  if (!reason) {
    return tell(text(phrase::chat_which_reason, reason_words(options_.language)), now, true);
  }
  v1::ClientFrame frame;
  auto& request = *frame.mutable_suggest_sanction();
  request.set_club_id(current_->stream.id);
  request.set_account_id(member->account_id());
  request.set_reason(*reason);
  ask(std::move(frame));
}

void ChatScreen::command_proposals(client::Time now) {
  if (!room()) return tell(text(phrase::chat_only_in_club), now, true);
  v1::ClientFrame frame;
  frame.mutable_list_proposals()->set_club_id(current_->stream.id);
  ask(std::move(frame));
}

void ChatScreen::command_second(bool confirm, const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = take_case(rest, phrase::chat_which_proposal, now);
  if (number == 0) return;
  if (!confirm && rest.empty()) return tell(text(phrase::chat_reject_why), now, true);
  v1::ClientFrame frame;
  auto& request = *frame.mutable_decide_proposal();
  request.set_club_id(current_->stream.id);
  request.set_proposal_id(number);
  request.set_confirm(confirm);
  request.set_text(rest);
  ask(std::move(frame));
}

void ChatScreen::command_withdraw(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = take_case(rest, phrase::chat_which_proposal, now);
  if (number == 0) return;
  v1::ClientFrame frame;
  frame.mutable_withdraw_proposal()->set_club_id(current_->stream.id);
  frame.mutable_withdraw_proposal()->set_proposal_id(number);
  ask(std::move(frame));
}

void ChatScreen::command_lift(const std::string& arguments, client::Time now) {
  std::string rest = arguments;
  const std::uint64_t number = take_case(rest, phrase::chat_which_sanction, now);
  if (number == 0) return;
  v1::ClientFrame frame;
  frame.mutable_lift_sanction()->set_club_id(current_->stream.id);
  frame.mutable_lift_sanction()->set_sanction_id(number);
  frame.mutable_lift_sanction()->set_text(rest);
  ask(std::move(frame));
}

void ChatScreen::command_sanctions(const std::string& arguments, client::Time now) {
  v1::ClientFrame frame;
  if (arguments.empty()) {
    frame.mutable_list_own_sanctions();
    return ask(std::move(frame));
  }
  std::string rest = arguments;
  const v1::Member* member = take_member(rest);
  if (!member) return tell(text(phrase::chat_which_member), now, true);
  frame.mutable_list_sanctions()->set_club_id(current_->stream.id);
  frame.mutable_list_sanctions()->set_account_id(member->account_id());
  ask(std::move(frame));
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
      if (member.status() != v1::MEMBER_STATUS_ACTIVE) continue;
      const std::size_t matched =
          std::max(spelled_at(rest, numbered(member)), spelled_at(rest, member.display_name()));
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
