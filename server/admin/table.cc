// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/table.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>

#include "server/admin/terminal_text.h"

namespace amicale::admin {

std::string Table::text() const {
  std::vector<int> widths;
  std::vector<bool> numbers;
  for (std::size_t column = 0; column < headings_.size(); ++column) {
    int width = columns_of(headings_[column]);
    bool number = !rows_.empty();
    for (const auto& row : rows_) {
      width = std::max(width, columns_of(row[column]));
      number = number && !row[column].empty() &&
               row[column].find_first_not_of("0123456789") == std::string::npos;
    }
    widths.push_back(width);
    numbers.push_back(number);
  }
  std::string out;
  const auto put = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      if (column > 0) line += "  ";
      const std::string cell = printable(cells[column]);
      const auto fill = static_cast<std::size_t>(widths[column] - columns_of(cell));
      line += numbers[column] ? std::string(fill, ' ') + cell : cell + std::string(fill, ' ');
    }
    line.resize(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  };
  put(headings_);
  std::vector<std::string> rule;
  for (const int width : widths) {
    std::string& dashes = rule.emplace_back();
    for (int i = 0; i < width; ++i) dashes += "─";
  }
  put(rule);
  for (const auto& row : rows_) put(row);
  return out;
}

std::string local_time(long long unix_ms) {
  if (unix_ms == 0) return {};
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return fmt::format("{:%Y-%m-%d %H:%M}", parts);
}

}  // namespace amicale::admin
