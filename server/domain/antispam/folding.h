// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What a character is to somebody who reads it quickly: "Ｆ", "ƒ", "é", "𝐟" and Cyrillic "а" are the
// letters that they look like. One table, made once, of every character that folds to something
// else: NFKC and its case folding, accents off, UTS #39 confusables where they end in ASCII, and
// letters whose Unicode name says which Latin letter they dress up as.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace amicale::domain::antispam {

// Why a character became another one.
enum class Fold : std::uint8_t {
  same,        // itself, or its lower case
  accent,      // a letter without its marks, a ligature apart: how French is written
  compat,      // another shape of the same letter: full width, mathematical, circled
  confusable,  // a letter of another script, or a symbol, that looks like this one
  invisible,   // nothing: zero width, direction marks, variation selectors
  mark,        // nothing: a combining accent
};

// Immutable after construction (about 20 ms); may be read from any thread.
class Folding {
 public:
  Folding();

  struct Piece {
    std::string_view text;  // UTF-8, at most 15 bytes; empty when the character vanishes
    Fold fold;
  };

  // What `c` becomes; `same` with an empty text means: keep it as it is.
  Piece find(char32_t c) const {
    const std::uint32_t page = c < last ? pages_[c >> 8] : 0;
    if (page == 0) return {{}, Fold::same};
    const Entry entry = entries_[((page - 1) << 8) | (c & 0xff)];
    return {std::string_view(pool_).substr(entry.offset, entry.size), entry.fold};
  }

  // Text folded character by character; nothing is moved or joined. For names and hosts.
  std::string fold(std::string_view text) const;

 private:
  static constexpr char32_t last = 0xe0200;  // after the tags, the last invisible characters
  struct Entry {
    std::uint32_t offset = 0;
    std::uint8_t size = 0;
    Fold fold = Fold::same;
  };
  void add(char32_t c, std::string_view text, Fold fold);

  std::vector<std::uint16_t> pages_;  // of 256 characters; 0 = nothing in it folds
  std::vector<Entry> entries_;
  std::string pool_;
};

}  // namespace amicale::domain::antispam
