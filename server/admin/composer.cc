// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/composer.h"

#include <algorithm>

namespace amicale::admin {
namespace {

constexpr std::size_t kHistory = 100;

bool is_space(const std::string& cluster) { return cluster == " " || cluster == "\n"; }

std::vector<std::string> to_clusters(std::string_view text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    if (c == '\r') continue;
    if (c == '\t') {
      out.emplace_back(" ");
      continue;
    }
    if ((c < 0x20 && c != '\n') || (c >= 0x7F && c < 0xA0)) continue;
    const bool joins = c != '\n' && columns_of(c) == 0 && !out.empty() && out.back() != "\n";
    if (!joins) out.emplace_back();
    append_utf8(out.back(), c);
  }
  return out;
}

}  // namespace

std::string Composer::text() const {
  std::string out;
  for (const auto& cluster : clusters_) out += cluster;
  return out;
}

std::string Composer::before_cursor() const {
  std::string out;
  for (std::size_t i = 0; i < cursor_; ++i) out += clusters_[i];
  return out;
}

void Composer::set(std::string_view text) {
  clusters_ = to_clusters(text);
  cursor_ = clusters_.size();
}

bool Composer::insert(std::string_view text) {
  if (this->text().size() + text.size() > most_bytes_) return false;
  auto added = to_clusters(text);
  // A combining mark that is typed joins the character before the cursor.
  if (!added.empty() && cursor_ > 0 && clusters_[cursor_ - 1] != "\n") {
    std::size_t at = 0;
    const char32_t first = next_code_point(added.front(), at);
    if (first != '\n' && columns_of(first) == 0) {
      clusters_[cursor_ - 1] += added.front();
      added.erase(added.begin());
    }
  }
  clusters_.insert(clusters_.begin() + static_cast<std::ptrdiff_t>(cursor_), added.begin(),
                   added.end());
  cursor_ += added.size();
  return true;
}

void Composer::backspace() {
  if (cursor_ == 0) return;
  --cursor_;
  erase();
}

void Composer::erase() {
  if (cursor_ < clusters_.size())
    clusters_.erase(clusters_.begin() + static_cast<std::ptrdiff_t>(cursor_));
}

void Composer::erase_word() {
  const std::size_t to = cursor_;
  word_left();
  clusters_.erase(clusters_.begin() + static_cast<std::ptrdiff_t>(cursor_),
                  clusters_.begin() + static_cast<std::ptrdiff_t>(to));
}

void Composer::erase_to_start() {
  const std::size_t to = cursor_;
  cursor_ = line_start(cursor_);
  clusters_.erase(clusters_.begin() + static_cast<std::ptrdiff_t>(cursor_),
                  clusters_.begin() + static_cast<std::ptrdiff_t>(to));
}

void Composer::erase_to_end() {
  clusters_.erase(clusters_.begin() + static_cast<std::ptrdiff_t>(cursor_),
                  clusters_.begin() + static_cast<std::ptrdiff_t>(line_end(cursor_)));
}

void Composer::replace_before_cursor(std::size_t bytes, std::string_view text) {
  std::size_t taken = 0;
  while (cursor_ > 0 && taken < bytes) {
    taken += clusters_[cursor_ - 1].size();
    backspace();
  }
  insert(text);
}

void Composer::left() { cursor_ -= cursor_ > 0; }
void Composer::right() { cursor_ += cursor_ < clusters_.size(); }

void Composer::word_left() {
  while (cursor_ > 0 && is_space(clusters_[cursor_ - 1])) --cursor_;
  while (cursor_ > 0 && !is_space(clusters_[cursor_ - 1])) --cursor_;
}

void Composer::word_right() {
  while (cursor_ < clusters_.size() && is_space(clusters_[cursor_])) ++cursor_;
  while (cursor_ < clusters_.size() && !is_space(clusters_[cursor_])) ++cursor_;
}

std::size_t Composer::line_start(std::size_t at) const {
  while (at > 0 && clusters_[at - 1] != "\n") --at;
  return at;
}

std::size_t Composer::line_end(std::size_t at) const {
  while (at < clusters_.size() && clusters_[at] != "\n") ++at;
  return at;
}

void Composer::home() { cursor_ = line_start(cursor_); }
void Composer::end() { cursor_ = line_end(cursor_); }

void Composer::up() {
  const std::size_t start = line_start(cursor_);
  if (start > 0) {
    const std::size_t column = cursor_ - start;
    const std::size_t previous = line_start(start - 1);
    cursor_ = std::min(previous + column, start - 1);
    return;
  }
  if (history_at_ == 0) return;
  if (history_at_ == history_.size()) draft_ = text();
  recall(history_at_ - 1);
}

void Composer::down() {
  const std::size_t stop = line_end(cursor_);
  if (stop < clusters_.size()) {
    const std::size_t column = cursor_ - line_start(cursor_);
    cursor_ = std::min(stop + 1 + column, line_end(stop + 1));
    return;
  }
  if (history_at_ < history_.size()) recall(history_at_ + 1);
}

void Composer::recall(std::size_t index) {
  history_at_ = index;
  set(index == history_.size() ? draft_ : history_[index]);
}

void Composer::sent() {
  const std::string said = text();
  if (!said.empty() && (history_.empty() || history_.back() != said)) history_.push_back(said);
  if (history_.size() > kHistory) history_.erase(history_.begin());
  history_at_ = history_.size();
  draft_.clear();
  clear();
}

Composer::Layout Composer::layout(int columns) const {
  columns = std::max(columns, 2);
  Layout layout;
  layout.lines.emplace_back();
  int used = 0;
  const auto new_line = [&] {
    layout.lines.emplace_back();
    used = 0;
  };
  for (std::size_t i = 0; i <= clusters_.size(); ++i) {
    int width = 0;
    std::vector<Glyph> glyphs;
    if (i < clusters_.size() && clusters_[i] != "\n") glyphs = to_glyphs(clusters_[i]);
    for (const Glyph& glyph : glyphs) width += glyph.columns;
    if (used + std::max(width, 1) > columns) new_line();  // the cursor needs a cell at the end, too
    if (i == cursor_) {
      layout.cursor_row = static_cast<int>(layout.lines.size()) - 1;
      layout.cursor_column = used;
    }
    if (i == clusters_.size()) break;
    if (clusters_[i] == "\n") {
      new_line();
      continue;
    }
    for (Glyph& glyph : glyphs) layout.lines.back().push_back(std::move(glyph));
    used += width;
  }
  return layout;
}

}  // namespace amicale::admin
