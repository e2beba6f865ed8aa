// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The line (or lines) that a person writes: editing by what they see as one character, and a history.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "server/admin/terminal_text.h"

namespace amicale::admin {

class Composer {
 public:
  explicit Composer(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  std::string text() const;
  std::string before_cursor() const;
  bool empty() const { return clusters_.empty(); }
  void set(std::string_view text);  // cursor at the end
  void clear() { set({}); }

  // False: it would be longer than a message may be. Control characters other than line ends are dropped.
  bool insert(std::string_view text);
  void backspace();
  void erase();  // what is under the cursor
  void erase_word();
  void erase_to_start();
  void erase_to_end();
  // Takes out the last `bytes` bytes before the cursor and puts `text` there (completion).
  void replace_before_cursor(std::size_t bytes, std::string_view text);

  void left();
  void right();
  void word_left();
  void word_right();
  void home();
  void end();
  // Between lines; from the first and the last line, through the history.
  void up();
  void down();
  // Remembers what was sent and empties the line.
  void sent();

  // The text broken at `columns`, and where the cursor is in it.
  struct Layout {
    std::vector<std::vector<Glyph>> lines;
    int cursor_row = 0;
    int cursor_column = 0;
  };
  Layout layout(int columns) const;

 private:
  std::size_t line_start(std::size_t at) const;
  std::size_t line_end(std::size_t at) const;
  void recall(std::size_t index);

  std::size_t most_bytes_;
  std::vector<std::string> clusters_;  // a character with its combining marks; "\n" is one
  std::size_t cursor_ = 0;             // before this cluster
  std::vector<std::string> history_;   // oldest first
  std::size_t history_at_ = 0;         // history_.size() = the draft
  std::string draft_;
};

}  // namespace amicale::admin
