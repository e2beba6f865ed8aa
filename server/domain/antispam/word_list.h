// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Many words looked for at once (Aho and Corasick, 1975): the cost does not grow with their number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace amicale::domain::antispam {

class WordList {
 public:
  struct Word {
    std::string text;  // folded, single spaces
    std::uint32_t rule;
    bool open_begin = false;  // letters may stand before it ("*word")
    bool open_end = false;    // … after it ("word*")
  };

  WordList() = default;
  explicit WordList(std::vector<Word> words);

  bool empty() const { return words_.empty(); }
  std::size_t size() const { return words_.size(); }

  // Calls found(word, begin, end) for each word that stands in `text`.
  template <class Found>
  void find(std::string_view text, Found found) const {
    if (words_.empty()) return;
    std::uint32_t state = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      state = next_[state * classes + class_of(text[at])];
      for (std::uint32_t node = ends_[state] != none ? state : exits_[state]; node != 0;
           node = exits_[node]) {
        for (std::uint32_t word = ends_[node]; word != none; word = same_end_[word]) {
          if (stands(words_[word], text, at + 1)) {
            found(words_[word], at + 1 - words_[word].text.size(), at + 1);
          }
        }
      }
    }
  }

 private:
  // a-z, 0-9, the rest of ASCII, and other bytes: a match is compared byte for byte in the end.
  static constexpr std::uint32_t classes = 38;
  static constexpr std::uint32_t none = 0xffff'ffff;
  static std::uint32_t class_of(char c) {
    if (c >= 'a' && c <= 'z') return static_cast<std::uint32_t>(c - 'a');
    if (c >= '0' && c <= '9') return 26 + static_cast<std::uint32_t>(c - '0');
    return static_cast<unsigned char>(c) < 0x80 ? 36 : 37;
  }
  static bool stands(const Word& word, std::string_view text, std::size_t end);

  std::vector<Word> words_;
  std::vector<std::uint32_t> same_end_;  // by word: the next one that ends in the same node
  std::vector<std::uint32_t> next_;      // [node × classes]
  std::vector<std::uint32_t> ends_;      // by node: a word that ends there
  std::vector<std::uint32_t> exits_;     // by node: the nearest shorter end; 0 = none
};

}  // namespace amicale::domain::antispam
