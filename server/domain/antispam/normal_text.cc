// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/normal_text.h"

#include <unicode/utf8.h>

#include <algorithm>
#include <array>

namespace amicale::domain::antispam {
namespace {

constexpr auto spacers = [] {
  std::array<bool, 256> table{};
  for (const unsigned char c : std::string_view(" .-_*|/~,+'")) table[c] = true;
  return table;
}();
constexpr bool is_spacer(char c) { return spacers[static_cast<unsigned char>(c)]; }

// The letter that a digit or sign stands for, 0 for none.
constexpr char leet_letter(char c) {
  switch (c) {
    case '0': return 'o';
    case '1': return 'i';
    case '3': return 'e';
    case '4': return 'a';
    case '5': return 's';
    case '6': return 'g';
    case '7': return 't';
    case '8': return 'b';
    case '9': return 'g';
    case '@': return 'a';
    case '$': return 's';
    case '!': return 'i';
    case '|': return 'l';
    default: return 0;
  }
}

constexpr bool is_sign(char c) { return c == '@' || c == '$' || c == '!' || c == '|'; }

std::uint32_t character_bytes(std::string_view body, std::uint32_t at) {
  const auto lead = static_cast<unsigned char>(body[at]);
  const std::uint32_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return std::min<std::uint32_t>(size, static_cast<std::uint32_t>(body.size()) - at);
}

}  // namespace

NormalText::NormalText(const Folding& folding, std::string_view body) : body_(body) {
  fold(folding, body);
  join_spaced();
  read_leet();
  read_case();
}

void NormalText::fold(const Folding& folding, std::string_view body) {
  folded_.reserve(body.size() + 16);
  folded_from_.reserve(body.size() + 16);
  bool ascii_letter = false;  // of the word under way
  bool confusable = false;
  std::uint32_t marks = 0;      // on the letter under way
  std::uint32_t invisible = 0;  // since the last letter
  const auto end_word = [&] {
    disguises_.mixed_words += ascii_letter && confusable;
    ascii_letter = confusable = false;
  };
  const auto size = static_cast<std::int32_t>(body.size());
  for (std::int32_t at = 0; at < size;) {
    const auto from = static_cast<std::uint32_t>(at);
    const auto byte = static_cast<unsigned char>(body[from]);
    if (byte < 0x80) {
      ++at;
      char c = static_cast<char>(byte);
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      if (is_ascii_letter(c)) {
        ascii_letter = true;
        disguises_.invisible += invisible != 0 && !folded_.empty() && is_word_byte(folded_.back());
      } else if (!is_ascii_digit(c)) {
        end_word();
        if (c == '\t' || c == '\n' || c == '\r') c = ' ';
      }
      marks = invisible = 0;
      folded_.push_back(c);
      folded_from_.push_back(from);
      continue;
    }
    UChar32 c;
    U8_NEXT(body.data(), at, size, c);
    if (c < 0) continue;
    const Folding::Piece piece = folding.find(static_cast<char32_t>(c));
    switch (piece.fold) {
      case Fold::mark:
        if (++marks == 3) ++disguises_.piled_marks;
        continue;
      case Fold::invisible: ++invisible; continue;
      case Fold::compat: ++disguises_.compat; break;
      case Fold::confusable: confusable = true; break;
      case Fold::accent: ascii_letter = true; break;
      case Fold::same: break;
    }
    marks = invisible = 0;
    const std::string_view out =
        piece.text.empty() ? body.substr(from, static_cast<std::size_t>(at) - from) : piece.text;
    if (!is_word_byte(out.front())) end_word();
    folded_ += out;
    folded_from_.insert(folded_from_.end(), out.size(), from);
  }
  end_word();
}

// A run of single letters with one and the same sign between each two is a word that was spaced out.
void NormalText::join_spaced() {
  text_.reserve(folded_.size());
  text_from_.reserve(folded_.size());
  const std::size_t size = folded_.size();
  const auto single = [&](std::size_t at) {
    if (at >= size || is_spacer(folded_[at])) return false;
    if (!is_word_byte(folded_[at]) && leet_letter(folded_[at]) == 0) return false;
    if (static_cast<unsigned char>(folded_[at]) >= 0x80) return false;
    return at + 1 == size || is_spacer(folded_[at + 1]);
  };
  std::size_t at = 0;
  bool after_spaced = false;  // what follows a word that was spaced out is so, if it can be
  const auto keep = [&](std::size_t from) {
    text_.push_back(folded_[from]);
    text_from_.push_back(folded_from_[from]);
  };
  while (at < size) {
    const bool begins = at == 0 || is_spacer(folded_[at - 1]);
    if (!begins || !single(at) || at + 2 >= size || !single(at + 2)) {
      after_spaced &= is_spacer(folded_[at]);
      keep(at++);
      continue;
    }
    const char spacer = folded_[at + 1];
    std::size_t end = at;
    std::uint32_t letters = is_ascii_letter(folded_[at]);
    while (end + 2 < size && folded_[end + 1] == spacer && single(end + 2)) {
      end += 2;
      letters += is_ascii_letter(folded_[end]);
    }
    const std::size_t count = (end - at) / 2 + 1;
    const std::size_t least = after_spaced ? 2 : 3;
    if (count < least || letters < 2) {  // "a - b", "1 2 3"
      after_spaced = false;
      keep(at++);
      continue;
    }
    ++disguises_.spaced_runs;
    for (std::size_t i = at; i <= end; i += 2) keep(i);
    at = end + 1;
    // The gap to the next word was spaced out, too.
    while (at + 1 < size && folded_[at] == spacer && folded_[at + 1] == spacer) ++at;
    after_spaced = true;
  }
  letters_ = static_cast<std::uint32_t>(std::ranges::count_if(text_, is_word_byte));
}

// Within a word that has letters, what stands for a letter is read as one.
void NormalText::read_leet() {
  plain_ = text_;
  const std::size_t size = text_.size();
  for (std::size_t at = 0; at < size;) {
    if (text_[at] == ' ') {
      ++at;
      continue;
    }
    std::size_t end = at;
    std::uint32_t letters = 0, stand_ins = 0;
    bool between = false;
    while (end < size && text_[end] != ' ') {
      const char c = text_[end];
      if (is_ascii_letter(c)) {
        ++letters;
      } else if (leet_letter(c) != 0) {
        ++stand_ins;
        between |= end > at && end + 1 < size && is_ascii_letter(text_[end - 1]) &&
                   is_ascii_letter(text_[end + 1]);
      }
      ++end;
    }
    if (letters != 0 && stand_ins != 0) {
      for (std::size_t i = at; i < end; ++i) {
        const char c = text_[i];
        const char letter = leet_letter(c);
        if (letter == 0) continue;
        const bool before = i > at && (is_ascii_letter(plain_[i - 1]));
        const bool after = i + 1 < end && is_word_byte(text_[i + 1]);
        // A sign counts inside a word only: "wow!" and "@ada" are no disguises.
        if (is_sign(c) && !(before && after) &&
            !(c == '$' && (before || (after && is_ascii_letter(text_[i + 1]))))) {
          continue;
        }
        plain_[i] = letter;
      }
      disguises_.leet_words += between;
    }
    at = end;
  }
}

// Where fonts draw them alike: a small l among capitals is an I ("LlGNE"), a capital I among small letters an l ("cIick").
void NormalText::read_case() {
  const auto own = [&](std::size_t at) { return body_[text_from_[at]]; };
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  for (std::size_t at = 1; at + 1 < text_.size(); ++at) {
    const char before = own(at - 1), here = own(at), after = own(at + 1);
    if (here == 'l' && is_capital(before) && is_capital(after)) plain_[at] = 'i';
    if (here == 'I' && is_ascii_letter(before) && is_ascii_letter(after)) plain_[at] = 'l';
  }
}

Span NormalText::span(std::size_t begin, std::size_t end) const {
  if (begin >= end || end > text_from_.size()) return {};
  const std::uint32_t last = text_from_[end - 1];
  return {text_from_[begin], last + character_bytes(body_, last)};
}

Span NormalText::folded_span(std::size_t begin, std::size_t end) const {
  if (begin >= end || end > folded_from_.size()) return {};
  const std::uint32_t last = folded_from_[end - 1];
  return {folded_from_[begin], last + character_bytes(body_, last)};
}

}  // namespace amicale::domain::antispam
