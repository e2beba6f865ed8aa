// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/features.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace amicale::domain::antispam {
namespace {

// Words longer than this are one word all the same; the rest of them tells nothing more.
constexpr std::size_t longest_word = 40;

std::uint64_t tagged(char tag, std::uint64_t hash) {
  return mix(hash + static_cast<std::uint64_t>(tag) * 0x9e3779b97f4a7c15);
}

// The shape of a number: how many digits, and its unit. "£1,000" and "£2500" are nearly the same word.
std::uint64_t number_shape(std::string_view token) {
  std::array<char, longest_word> shape;
  std::size_t size = 0;
  std::size_t digits = 0;
  const auto close = [&] {
    if (digits == 0) return;
    if (size + 2 <= shape.size()) {
      shape[size++] = '#';
      shape[size++] = static_cast<char>('0' + std::min<std::size_t>(digits, 12));
    }
    digits = 0;
  };
  for (const char c : token) {
    if (is_ascii_digit(c)) {
      ++digits;
    } else {
      close();
      if (size < shape.size()) shape[size++] = c;
    }
  }
  close();
  return hash_of(std::string_view(shape.data(), size), 2);
}

unsigned log_bucket(std::uint64_t value) { return static_cast<unsigned>(std::bit_width(value)); }

}  // namespace

void Features::add(FeatureKind kind, std::uint64_t hash) {
  const auto bucket = static_cast<std::uint32_t>(hash >> (64 - feature_bits));
  for (std::size_t at = bucket & mask_;; at = (at + 1) & mask_) {
    if (seen_[at] == bucket + 1) return;
    if (seen_[at] == 0) {
      seen_[at] = bucket + 1;
      lists_[static_cast<std::size_t>(kind)].push_back(bucket);
      return;
    }
  }
}

void Features::extract(const NormalText& text, std::string_view body, std::size_t links) {
  for (auto& list : lists_) list.clear();
  // At most a piece a byte, and four features a word of at least one byte and a space.
  const std::size_t table = std::bit_ceil(4 * (text.plain().size() + 64));
  seen_.assign(std::min<std::size_t>(table, 4 * feature_buckets), 0);
  mask_ = seen_.size() - 1;
  add_words(text);
  add_pieces(text.plain());
  add_shape(text, body, links);
}

void Features::add_words(const NormalText& text) {
  const std::string_view plain = text.plain();
  const std::string_view raw = text.text();
  std::uint64_t before = hash_of("^");
  std::uint64_t before_that = 0;
  for (std::size_t at = 0; at < plain.size();) {
    if (!is_word_byte(plain[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    bool digit = false;
    while (at < plain.size() && is_word_byte(plain[at])) digit |= is_ascii_digit(raw[at++]);
    const std::size_t size = std::min(at - begin, longest_word);
    const std::string_view word = plain.substr(begin, size);
    // A currency in front belongs to the number; its last byte is all of it in a byte's worth.
    std::uint64_t hash;
    if (digit) {
      hash = number_shape(raw.substr(begin, size));
      if (begin > 0 && raw[begin - 1] == '$') hash = mix(hash ^ '$');
      add(FeatureKind::word, tagged('n', hash));
      if (word != raw.substr(begin, size)) {
        hash = hash_of(word);
        add(FeatureKind::word, tagged('w', hash));
      }
    } else {
      hash = hash_of(word);
      add(FeatureKind::word, tagged('w', hash));
    }
    add(FeatureKind::word, tagged('b', mix(before) + hash));
    if (before_that != 0) add(FeatureKind::word, tagged('s', mix(before_that + 1) + hash));
    before_that = before;
    before = hash;
  }
  add(FeatureKind::word, tagged('b', mix(before) + hash_of("$")));
}

// Every four bytes in a row, of the text without its spaces doubled and with a space at both ends.
void Features::add_pieces(std::string_view plain) {
  std::uint32_t last4 = ' ';
  std::size_t filled = 1;
  char previous = ' ';
  const auto push = [&](char c) {
    last4 = (last4 << 8) | static_cast<unsigned char>(c);
    if (++filled >= 4) {
      add(FeatureKind::piece, mix((std::uint64_t{last4} << 8) | 0x71));
    }
    previous = c;
  };
  for (const char c : plain) {
    // Digits are shapes: no two prizes have the same number to call.
    const char shown = is_ascii_digit(c) ? '0' : c;
    if (shown == ' ' && previous == ' ') continue;
    push(shown);
  }
  push(' ');
}

void Features::add_shape(const NormalText& text, std::string_view body, std::size_t links) {
  const auto shape = [this](char tag, unsigned bucket) {
    add(FeatureKind::shape, tagged(tag, hash_of("shape", bucket + 1)));
  };
  std::uint32_t upper = 0, lower = 0, digits = 0, shouts = 0, currency = 0, lines = 0;
  std::uint32_t digit_run = 0, longest_digits = 0, shouted = 0, upper_run = 0, other = 0;
  std::uint32_t asks = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    const bool is_upper = c >= 'A' && c <= 'Z';
    upper += is_upper;
    upper_run = is_upper ? upper_run + 1 : 0;
    shouted += upper_run == 3;
    lower += c >= 'a' && c <= 'z';
    shouts += c == '!';
    asks += c == '?';
    lines += c == '\n';
    if (is_ascii_digit(c)) {
      ++digits;
      longest_digits = std::max(longest_digits, ++digit_run);
    } else if (c != ' ' && c != '.' && c != '-') {
      digit_run = 0;
    }
    currency += c == '$' || (c == '\xa3' && i > 0 && body[i - 1] == '\xc2') ||
                (c == '\xac' && i > 1 && body[i - 1] == '\x82' && body[i - 2] == '\xe2');
    other += static_cast<unsigned char>(c) >= 0xe0;
  }
  const std::uint32_t letters = std::max(1u, upper + lower);
  const auto size = static_cast<std::uint32_t>(std::max<std::size_t>(1, body.size()));
  shape('L', log_bucket(size));
  shape('U', upper * 10 / letters);
  shape('D', digits * 16 / size);
  shape('!', std::min(shouts, 4u));
  shape('?', std::min(asks, 2u));
  shape('C', std::min(currency, 2u));
  shape('S', std::min(shouted, 4u));
  shape('N', std::min(longest_digits, 12u));
  shape('l', static_cast<unsigned>(std::min<std::size_t>(links, 3)));
  shape('B', log_bucket(lines));
  shape('O', other * 8 / size);
  const Disguises& disguises = text.disguises();
  if (disguises.invisible != 0) shape('i', std::min(log_bucket(disguises.invisible), 3u));
  if (disguises.mixed_words != 0) shape('m', std::min(log_bucket(disguises.mixed_words), 3u));
  if (disguises.compat > 2) shape('c', 1);
  if (disguises.spaced_runs > 1) shape('p', std::min(log_bucket(disguises.spaced_runs), 3u));
  if (disguises.leet_words > 1) shape('k', std::min(log_bucket(disguises.leet_words), 3u));
}

}  // namespace amicale::domain::antispam
