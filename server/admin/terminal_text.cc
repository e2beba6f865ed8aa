// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/terminal_text.h"

#include <wchar.h>

#include <algorithm>
#include <clocale>
#include <cstring>

#include <langinfo.h>

namespace amicale::admin {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool is_bidi_control(char32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

// Characters that change how their neighbours are drawn without taking room themselves.
bool is_left_out(char32_t c) {
  return c == 0x200B || c == 0x200C || c == 0x200D || c == 0x2060 || c == 0xFEFF || c == 0x00AD ||
         (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0000 && c <= 0xE0FFF);
}

// What is shown in the place of a code point; 0 = nothing.
char32_t shown_as(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r' || c == 0x2028 || c == 0x2029 || c == 0x85) return ' ';
  if (c < 0x20) return 0x2400 + c;
  if (c == 0x7F) return 0x2421;
  if (c < 0xA0 && c >= 0x80) return kReplacement;
  if (is_bidi_control(c)) return kReplacement;
  if (is_left_out(c)) return 0;
  if (::wcwidth(static_cast<wchar_t>(c)) < 0) return kReplacement;
  return c;
}

constexpr std::size_t kMarksPerGlyph = 4;  // ncurses keeps five code points in a cell

}  // namespace

void use_utf8_locale() {
  std::setlocale(LC_ALL, "");
  if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") == 0) return;
  if (!std::setlocale(LC_CTYPE, "C.UTF-8")) std::setlocale(LC_CTYPE, "en_US.UTF-8");
}

char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at++);
  if (lead < 0x80) return lead;
  int more = 0;
  char32_t value = 0;
  unsigned low = 0x80, high = 0xBF;  // bounds of the second byte, Unicode table 3-7
  if (lead >= 0xC2 && lead <= 0xDF) {
    more = 1;
    value = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    more = 2;
    value = lead & 0x0F;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3;
    value = lead & 0x07;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return kReplacement;
  }
  for (; more > 0; --more) {
    if (at >= text.size() || byte(at) < low || byte(at) > high) return kReplacement;
    value = value << 6 | (byte(at++) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return value;
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) append_utf8(out, next_code_point(text, at));
  return out;
}

bool is_utf8(std::string_view text) { return repair_utf8(text) == text; }

int columns_of(char32_t c) { return std::max(0, ::wcwidth(static_cast<wchar_t>(c))); }

std::vector<Glyph> to_glyphs(std::string_view text) {
  std::vector<Glyph> out;
  out.reserve(text.size());
  std::size_t marks = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t raw = next_code_point(text, at);
    if (raw == '\r' && at < text.size() && text[at] == '\n') continue;
    const char32_t shown = shown_as(raw);
    if (shown == 0) continue;
    const int columns = columns_of(shown);
    if (columns == 0) {
      if (out.empty()) out.push_back({" ", 1});  // a mark with nothing to stand on
      if (marks++ < kMarksPerGlyph) append_utf8(out.back().bytes, shown);
      continue;
    }
    marks = 0;
    append_utf8(out.emplace_back(Glyph{{}, columns}).bytes, shown);
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  for (const Glyph& glyph : to_glyphs(text)) out += glyph.bytes;
  return out;
}

int columns_of(std::string_view text) {
  int columns = 0;
  for (const Glyph& glyph : to_glyphs(text)) columns += glyph.columns;
  return columns;
}

std::string cut_to(std::string_view text, int columns) {
  if (columns <= 0) return {};
  const std::vector<Glyph> glyphs = to_glyphs(text);
  int total = 0;
  for (const Glyph& glyph : glyphs) total += glyph.columns;
  std::string out;
  int used = 0;
  for (const Glyph& glyph : glyphs) {
    if (total > columns && used + glyph.columns > columns - 1) return out + "…";
    out += glyph.bytes;
    used += glyph.columns;
  }
  return out;
}

std::string fit_to(std::string_view text, int columns) {
  std::string out = cut_to(text, columns);
  const int missing = columns - columns_of(out);
  if (missing > 0) out.append(static_cast<std::size_t>(missing), ' ');
  return out;
}

std::vector<std::vector<Glyph>> wrap(std::string_view text, int columns) {
  columns = std::max(columns, 2);
  std::vector<std::vector<Glyph>> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    for (auto& line : break_line(to_glyphs(text.substr(0, end)), columns)) {
      lines.push_back(std::move(line));
    }
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace amicale::admin
