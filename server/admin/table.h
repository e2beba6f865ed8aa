// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Columns for people: aligned by what the terminal shows, not by bytes.
#pragma once

#include <string>
#include <vector>

namespace amicale::admin {

class Table {
 public:
  explicit Table(std::vector<std::string> headings) : headings_(std::move(headings)) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  // Headings, a rule, the rows; two spaces between columns; nothing after the last one. Cells are made safe to print.
  // Columns made of numbers only are set to the right.
  std::string text() const;

 private:
  std::vector<std::string> headings_;
  std::vector<std::vector<std::string>> rows_;
};

// "2026-11-23 14:05" in local time; "" for 0.
std::string local_time(long long unix_ms);

}  // namespace amicale::admin
