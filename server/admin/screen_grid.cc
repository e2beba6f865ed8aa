// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/screen_grid.h"

#include <algorithm>

namespace amicale::admin {

void add(StyledLine& line, std::string_view text, Style style) {
  for (Glyph& glyph : to_glyphs(text))
    line.push_back({std::move(glyph.bytes), glyph.columns, style});
}

int columns_of(const StyledLine& line) {
  int columns = 0;
  for (const auto& glyph : line) columns += glyph.columns;
  return columns;
}

Grid::Grid(int rows, int columns)
    : rows_(std::max(rows, 1)),
      columns_(std::max(columns, 1)),
      cells_(static_cast<std::size_t>(rows_) * static_cast<std::size_t>(columns_)) {}

const Cell& Grid::at(int row, int column) const {
  return cells_[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_) +
                static_cast<std::size_t>(column)];
}

int Grid::put(int row, int column, const StyledLine& line, int limit) {
  if (limit < 0 || limit > columns_) limit = columns_;
  if (row < 0 || row >= rows_) return column;
  for (const auto& glyph : line) {
    if (column + glyph.columns > limit) break;
    if (column < 0) {
      column += glyph.columns;
      continue;
    }
    auto cell = cells_.begin() + row * columns_ + column;
    *cell = {glyph.bytes, glyph.style};
    if (glyph.columns == 2) *(cell + 1) = {"", glyph.style};
    column += glyph.columns;
  }
  return column;
}

int Grid::put(int row, int column, std::string_view text, Style style, int limit) {
  StyledLine line;
  add(line, text, style);
  return put(row, column, line, limit);
}

void Grid::fill(int row, int from, int to, Style style) {
  if (row < 0 || row >= rows_) return;
  for (int column = std::max(from, 0); column < std::min(to, columns_); ++column) {
    cells_[static_cast<std::size_t>(row * columns_ + column)] = {" ", style};
  }
}

std::string Grid::row_text(int row) const {
  std::string out;
  for (int column = 0; column < columns_; ++column) out += at(row, column).bytes;
  out.resize(out.find_last_not_of(' ') + 1);
  return out;
}

std::string Grid::text() const {
  std::string out;
  for (int row = 0; row < rows_; ++row) out += row_text(row) + "\n";
  return out;
}

}  // namespace amicale::admin
