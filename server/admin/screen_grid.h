// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A screen as a value: what a terminal would show, cell by cell. Drawn by the chat screen, compared by tests, put on the
// real terminal by chat_terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/admin/terminal_text.h"

namespace amicale::admin {

// Colours are numbers of the 256-colour palette; -1 is the terminal's own.
struct Style {
  short colour = -1;
  bool bold = false;
  bool dim = false;
  bool reverse = false;
  bool italic = false;
  bool underline = false;
  bool operator==(const Style&) const = default;
};

struct StyledGlyph {
  std::string bytes;
  int columns = 1;
  Style style;
};
using StyledLine = std::vector<StyledGlyph>;

// Adds text in one style; made safe to print.
void add(StyledLine& line, std::string_view text, Style style = {});
int columns_of(const StyledLine& line);

struct Cell {
  std::string bytes = " ";  // empty: the right half of the wide character before it
  Style style;
};

class Grid {
 public:
  Grid(int rows, int columns);

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  const Cell& at(int row, int column) const;
  // Writes glyphs from a place on, not past `limit` (a column; -1 = the right edge). Returns the column after the last one.
  int put(int row, int column, const StyledLine& line, int limit = -1);
  int put(int row, int column, std::string_view text, Style style = {}, int limit = -1);
  void fill(int row, int from, int to, Style style);
  void set_cursor(int row, int column) { cursor_row_ = row, cursor_column_ = column; }
  int cursor_row() const { return cursor_row_; }  // -1 = hidden
  int cursor_column() const { return cursor_column_; }

  // A row as text, without the spaces at its end: for tests.
  std::string row_text(int row) const;
  std::string text() const;

 private:
  int rows_, columns_;
  std::vector<Cell> cells_;
  int cursor_row_ = -1, cursor_column_ = 0;
};

}  // namespace amicale::admin
