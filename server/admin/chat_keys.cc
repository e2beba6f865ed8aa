// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What keys do on the chat screen: writing, completing, scrolling, choosing.
#include <algorithm>
#include <iterator>

#include "server/admin/chat_screen.h"
#include "server/admin/vocabulary.h"
#include "server/domain/limits.h"

namespace amicale::admin {
namespace {

using namespace std::chrono_literals;
using Code = Key::Code;

constexpr auto kTypingEvery = 3s;  // SetTyping lapses after six

bool is_letter(const Key& key, std::string_view letters) {
  return key.code == Code::text && key.text.size() == 1 &&
         letters.find(key.text) != std::string_view::npos;
}

}  // namespace

void ChatScreen::on(const Key& key, client::Time now) {
  last_key_ = now;
  if (key.code != Code::tab && key.code != Code::back_tab) completion_.reset();
  if (question_ && on_question_key(key)) return;
  if (overlay_ != Overlay::none && on_overlay_key(key)) return;
  if (composer_.empty() && !pasting_ && (on_request_key(key) || on_selection_key(key, now))) return;

  const auto ctrl = [&](char letter) {
    return key.code == Code::ctrl && key.text == std::string(1, letter);
  };
  const auto alt = [&](char letter) {
    return key.code == Code::alt && key.text == std::string(1, letter);
  };
  if (key.code == Code::f1 || (composer_.empty() && is_letter(key, "?"))) {
    overlay_ = Overlay::help;
    overlay_top_ = 0;
  } else if (key.code == Code::f2) {
    sidebar_shown_ = !sidebar_shown_;
  } else if (key.code == Code::page_up) {
    scroll(std::max(1, pane_rows_ - 2));
  } else if (key.code == Code::page_down) {
    scroll(-std::max(1, pane_rows_ - 2));
  } else if (key.code == Code::end && composer_.empty()) {
    anchor_.reset();
    selected_ = 0;
  } else if (key.code == Code::alt_up || key.code == Code::alt_down) {
    select(key.code == Code::alt_up ? -1 : 1);
  } else if (ctrl('n') || ctrl('p')) {
    go_beside(ctrl('n') ? 1 : -1);
  } else if (alt('a')) {
    go_to_unread();
  } else if (ctrl('r')) {
    retry(now);
  } else if (ctrl('c')) {
    if (composer_.empty() && reply_to_ == 0 && editing_ == 0) {
      question_ = Question{text(phrase::chat_ask_quit), {Quit{}}, false};
    } else {
      composer_.clear();
      reply_to_ = editing_ = 0;
    }
  } else if (ctrl('d') && composer_.empty()) {
    effects_.push_back(Quit{});
  } else if (key.code == Code::escape) {
    if (editing_ != 0) composer_.clear();
    reply_to_ = editing_ = selected_ = 0;
    notice_.clear();
  } else if (key.code == Code::tab || key.code == Code::back_tab) {
    complete(key.code == Code::back_tab);
  } else {
    on_composer_key(key, now);
  }
}

// Yes is a letter and Enter: neither the second Enter of an impatient hand, nor a letter of what somebody writes without
// looking. Other letters are the beginning of a text: they end the question and are kept.
bool ChatScreen::on_question_key(const Key& key) {
  if (question_->yes.empty()) {
    if (is_letter(key, "oOyY")) {
      question_->yes = key.text;
      return true;
    }
    const bool writes = key.code == Code::text || key.code == Code::paste_begin;
    const bool no = is_letter(key, "nN") || key.code == Code::escape || key.code == Code::ctrl;
    if (writes || no) question_.reset();
    return !writes || no;
  }
  Question question = *std::exchange(question_, std::nullopt);
  if (key.code != Code::enter) {
    if (key.code != Code::text && key.code != Code::paste_begin) return true;
    composer_.insert(question.yes);
    return false;
  }
  std::ranges::move(question.on_yes, std::back_inserter(effects_));
  if (question.sends) {
    composer_.sent();
    reply_to_ = 0;
    anchor_.reset();
  }
  return true;
}

// What is written closes the list, and is kept.
bool ChatScreen::on_overlay_key(const Key& key) {
  switch (key.code) {
    case Code::up: --overlay_top_; break;
    case Code::down: ++overlay_top_; break;
    case Code::page_up: overlay_top_ -= std::max(1, screen_rows_ - 8); break;
    case Code::page_down: overlay_top_ += std::max(1, screen_rows_ - 8); break;
    case Code::home: overlay_top_ = 0; break;
    default: overlay_ = Overlay::none;
  }
  overlay_top_ = std::max(0, overlay_top_);
  return key.code != Code::text && key.code != Code::paste_begin;
}

// A conversation that waits for an answer takes one letter; nothing can be written there anyway.
bool ChatScreen::on_request_key(const Key& key) {
  if (!asked_of_me()) return false;
  if (is_letter(key, "aA"))
    answer_direct(true);
  else if (is_letter(key, "dD"))
    answer_direct(false);
  else if (is_letter(key, "bB"))
    block_direct(false);
  else
    return false;
  return true;
}

bool ChatScreen::on_selection_key(const Key& key, client::Time now) {
  if (selected_ == 0) return false;
  const std::string number = std::to_string(selected_);
  if (is_letter(key, "r") || key.code == Code::enter)
    command_reply(number, now);
  else if (is_letter(key, "e"))
    command_edit(number, now);
  else if (is_letter(key, "d"))
    command_delete(number, now);
  else if (is_letter(key, "p"))
    command_pin(number, now);
  else if (is_letter(key, "+"))
    composer_.set((options_.language == v1::LANGUAGE_EN ? "/react " : "/reagir ") + number + " ");
  else if (key.code == Code::up)
    select(-1);
  else if (key.code == Code::down)
    select(1);
  else
    return false;
  return true;
}

void ChatScreen::on_composer_key(const Key& key, client::Time now) {
  const auto ctrl = [&](char letter) {
    return key.code == Code::ctrl && key.text == std::string(1, letter);
  };
  const auto insert = [&](std::string_view text) {
    if (!composer_.insert(text))
      tell(this->text(phrase::chat_too_long, domain::limits::message_bytes), now, true);
  };
  switch (key.code) {
    case Code::text: insert(key.text); break;
    case Code::enter:
      // What is pasted is never sent by its own line ends.
      if (pasting_)
        insert("\n");
      else
        submit(now);
      return;
    case Code::alt_enter: insert("\n"); break;
    case Code::paste_begin: pasting_ = true; return;
    case Code::paste_end: pasting_ = false; return;
    case Code::backspace: composer_.backspace(); break;
    case Code::erase: composer_.erase(); break;
    case Code::left: composer_.left(); return;
    case Code::right: composer_.right(); return;
    case Code::word_left: composer_.word_left(); return;
    case Code::word_right: composer_.word_right(); return;
    case Code::home: composer_.home(); return;
    case Code::end: composer_.end(); return;
    case Code::up: composer_.up(); return;
    case Code::down: composer_.down(); return;
    case Code::alt:
      if (key.text == "b") composer_.word_left();
      if (key.text == "f") composer_.word_right();
      return;
    case Code::ctrl:
      if (ctrl('a'))
        composer_.home();
      else if (ctrl('e'))
        composer_.end();
      else if (ctrl('w'))
        composer_.erase_word();
      else if (ctrl('u'))
        composer_.erase_to_start();
      else if (ctrl('k'))
        composer_.erase_to_end();
      else if (ctrl('d'))
        composer_.erase();
      return;
    default: return;
  }
  if (!current_ || link_ != Link::online || composer_.empty() ||
      composer_.text().starts_with('/') || now - typing_sent_ < kTypingEvery) {
    return;
  }
  typing_sent_ = now;
  v1::ClientFrame frame;
  *frame.mutable_set_typing()->mutable_stream() = current_->stream.proto();
  frame.mutable_set_typing()->set_room_id(current_->room_id);
  ask(std::move(frame));
}

void ChatScreen::submit(client::Time now) {
  std::string said = composer_.text();
  while (!said.empty() && (said.back() == ' ' || said.back() == '\n')) said.pop_back();
  if (said.find_first_not_of(" \n") == std::string::npos) {
    composer_.clear();
    return;
  }
  if (said.starts_with("//")) {
    said.erase(0, 1);
  } else if (said.starts_with('/') && editing_ == 0) {
    composer_.sent();
    return run_command(said, now);
  }
  say_message(std::move(said), now);
}

std::vector<std::string> ChatScreen::candidates(const std::string& before,
                                                std::size_t& replaces) const {
  std::vector<std::string> out;
  const auto offer = [&](const std::string& typed, const std::string& candidate,
                         const std::string& inserted) {
    if (folded(candidate).starts_with(folded(typed))) out.push_back(inserted);
  };
  if (before.starts_with('/') && before.find(' ') == std::string::npos) {
    replaces = before.size();
    for (const auto& command : chat_commands()) {
      const auto name = options_.language == v1::LANGUAGE_EN ? command.en : command.fr;
      offer(before.substr(1), std::string(name), "/" + std::string(name) + " ");
    }
    return out;
  }
  const std::size_t sign = before.find_last_of("@#");
  if (sign == std::string::npos ||
      (sign > 0 && before[sign - 1] != ' ' && before[sign - 1] != '\n'))
    return out;
  const std::string typed = before.substr(sign + 1);
  if (typed.find('\n') != std::string::npos) return out;
  replaces = before.size() - sign;
  if (before[sign] == '#') {
    for (const Place& place : places())
      offer(typed, place_name(place), "#" + place_name(place) + " ");
    return out;
  }
  if (current_ && current_->stream.kind == v1::STREAM_KIND_CLUB) {
    if (const auto* club = model_.club(current_->stream.id)) {
      std::map<std::string, int> bearers;
      for (const auto& [id, member] : club->members) ++bearers[folded(member.display_name())];
      for (const auto& [id, member] : club->members) {
        if (member.status() != v1::MEMBER_STATUS_ACTIVE || id == me()) continue;
        const bool shared = bearers[folded(member.display_name())] > 1;
        offer(typed, member.display_name(),
              "@" + (shared ? numbered(member) : member.display_name()) + " ");
      }
    }
    std::ranges::sort(out, {}, [](const std::string& name) { return folded(name); });
    const bool english = options_.language == v1::LANGUAGE_EN;
    for (const std::string word : {english ? "committee" : "comité", english ? "all" : "tous"}) {
      offer(typed, word, "@" + word + " ");
    }
  }
  return out;
}

void ChatScreen::complete(bool backwards) {
  if (!completion_) {
    Completion completion;
    completion.candidates = candidates(composer_.before_cursor(), completion.length);
    if (completion.candidates.empty()) return;
    completion.at = backwards ? completion.candidates.size() - 1 : 0;
    completion_ = std::move(completion);
  } else {
    const std::size_t count = completion_->candidates.size();
    completion_->at = (completion_->at + (backwards ? count - 1 : 1)) % count;
  }
  const std::string& chosen = completion_->candidates[completion_->at];
  composer_.replace_before_cursor(completion_->length, chosen);
  completion_->length = chosen.size();
}

void ChatScreen::go(Place place) {
  if (current_ == place) return;
  if (current_) drafts_[*current_] = editing_ == 0 ? composer_.text() : std::string();
  current_ = place;
  composer_.set(drafts_[place]);
  reply_to_ = editing_ = selected_ = 0;
  anchor_.reset();
  question_.reset();
  counted_post_.reset();
  read_when_opened_ = model_.unread(place.stream, place.room_id) > 0
                          ? model_.read_mark(place.stream, place.room_id)
                          : kNoMessage;
}

void ChatScreen::go_beside(int step) {
  const auto all = places();
  if (all.empty()) return;
  const auto here = current_ ? std::ranges::find(all, *current_) : all.end();
  const auto count = static_cast<int>(all.size());
  const int at = here == all.end() ? 0 : static_cast<int>(here - all.begin()) + step;
  go(all[static_cast<std::size_t>((at + count) % count)]);
}

// Mentions first, then whatever is unread, in the order of the left pane after the present place.
void ChatScreen::go_to_unread() {
  const auto all = places();
  const auto here = current_ ? std::ranges::find(all, *current_) : all.end();
  const std::size_t from = here == all.end() ? 0 : static_cast<std::size_t>(here - all.begin()) + 1;
  for (const bool only_mentions : {true, false}) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Place& place = all[(from + i) % all.size()];
      if (place == current_) continue;
      if (only_mentions ? mentioned(place) : model_.unread(place.stream, place.room_id) > 0)
        return go(place);
    }
  }
  tell(text(phrase::chat_nothing_unread), last_key_);
}

void ChatScreen::scroll(int lines) {
  if (!timeline()) return;
  const auto rows = timeline()->rows();
  if (rows.empty()) return;
  if (lines > 0) {
    const auto above = lines_upwards(anchor_, static_cast<std::size_t>(pane_rows_ + lines));
    const int most = static_cast<int>(above.size()) - pane_rows_;
    lines = std::min(lines, most);
    if (lines <= 0) return;
    // The new bottom line must belong to a message, for the place to be found again.
    auto bottom = above.begin() + lines;
    while (bottom != above.end() && bottom->key == kNoMessage) ++bottom;
    if (bottom == above.end()) return;
    anchor_ = Anchor{bottom->key, bottom->lines_below};
    return;
  }
  if (!anchor_) return;
  int left = -lines;
  std::size_t at = row_of(rows, anchor_->key);
  int hidden = anchor_->hidden;
  while (true) {
    if (hidden >= left) {
      anchor_ = Anchor{anchor_->key, hidden - left};
      break;
    }
    left -= hidden;
    if (++at >= rows.size()) {
      anchor_.reset();
      return;
    }
    const auto below = lines_of(rows, at);
    if (rows[at].echo) {
      anchor_.reset();
      return;
    }
    anchor_->key = rows[at].message ? rows[at].message->number() : rows[at].missing->to;
    hidden = static_cast<int>(below.size());
  }
  if (anchor_->hidden == 0 && row_of(rows, anchor_->key) + 1 == rows.size()) anchor_.reset();
}

void ChatScreen::select(int direction) {
  if (!timeline()) return;
  const auto rows = timeline()->rows();
  std::size_t at = rows.size();
  if (selected_ != 0)
    at = row_of(rows, selected_);
  else if (anchor_)
    at = row_of(rows, anchor_->key) + 1;
  if (selected_ == 0 && direction > 0) return;
  while (true) {
    if (direction < 0 && at == 0) return;
    at += static_cast<std::size_t>(direction);
    if (at >= rows.size()) {
      selected_ = 0;
      anchor_.reset();
      return;
    }
    if (rows[at].message && !rows[at].message->deleted()) break;
  }
  selected_ = rows[at].message->number();
  // In sight: somewhere between the lines that are shown now.
  const auto shown = lines_upwards(anchor_, static_cast<std::size_t>(pane_rows_));
  const auto count = std::min<std::ptrdiff_t>(pane_rows_, std::ssize(shown));
  const bool whole =
      std::ranges::any_of(shown.begin(), shown.begin() + count, [&](const Line& line) {
        return line.key == selected_ && (direction > 0 ? line.lines_below == 0 : true);
      });
  if (!whole) anchor_ = Anchor{selected_, 0};
}

}  // namespace amicale::admin
