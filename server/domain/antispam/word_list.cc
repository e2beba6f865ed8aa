// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/word_list.h"

#include <utility>

#include "server/domain/antispam/normal_text.h"

namespace amicale::domain::antispam {

WordList::WordList(std::vector<Word> words)
    : words_(std::move(words)), same_end_(words_.size(), none) {
  next_.assign(classes, 0);
  ends_.assign(1, none);
  for (std::uint32_t i = 0; i < words_.size(); ++i) {
    std::uint32_t node = 0;
    for (const char c : words_[i].text) {
      const std::uint32_t edge = node * classes + class_of(c);
      if (next_[edge] == 0) {
        const auto fresh = static_cast<std::uint32_t>(ends_.size());
        next_[edge] = fresh;
        next_.resize(next_.size() + classes, 0);
        ends_.push_back(none);
      }
      node = next_[edge];
    }
    same_end_[i] = std::exchange(ends_[node], i);
  }
  // Breadth first: where a node has no edge, follow that of the longest suffix that has one.
  exits_.assign(ends_.size(), 0);
  std::vector<std::uint32_t> suffix(ends_.size(), 0);
  std::vector<std::uint32_t> queue;
  queue.reserve(ends_.size());
  for (std::uint32_t c = 0; c < classes; ++c) {
    if (next_[c] != 0) queue.push_back(next_[c]);
  }
  for (std::size_t at = 0; at < queue.size(); ++at) {
    const std::uint32_t node = queue[at];
    const std::uint32_t shorter = suffix[node];
    exits_[node] = ends_[shorter] != none ? shorter : exits_[shorter];
    for (std::uint32_t c = 0; c < classes; ++c) {
      std::uint32_t& edge = next_[node * classes + c];
      const std::uint32_t otherwise = next_[shorter * classes + c];
      if (edge == 0) {
        edge = otherwise;
      } else {
        suffix[edge] = otherwise;
        queue.push_back(edge);
      }
    }
  }
}

bool WordList::stands(const Word& word, std::string_view text, std::size_t end) {
  if (end < word.text.size()) return false;
  const std::size_t begin = end - word.text.size();
  if (text.compare(begin, word.text.size(), word.text) != 0) return false;
  if (!word.open_begin && begin > 0 && is_word_byte(text[begin - 1])) return false;
  return word.open_end || end == text.size() || !is_word_byte(text[end]);
}

}  // namespace amicale::domain::antispam
