// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Text on its way to a terminal. Everything that other people wrote passes through here first:
// control characters, escape sequences and bidirectional overrides become visible signs, broken
// UTF-8 becomes U+FFFD, and every piece knows how many columns it takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace amicale::admin {

// Makes the process read and measure UTF-8, whatever the environment says. Call once at start.
void use_utf8_locale();

// Replaces every malformed sequence by U+FFFD, one for each maximal broken part (as Unicode 15,
// section 3.9 recommends). Well-formed text comes back unchanged.
std::string repair_utf8(std::string_view text);

bool is_utf8(std::string_view text);

// Reads the code point at `at` and moves past it; U+FFFD for a malformed sequence.
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_utf8(std::string& out, char32_t code_point);

// Columns of one code point: 0 (combining), 1 or 2. Never negative.
int columns_of(char32_t code_point);

// One or two cells of the screen: a base character with at most four combining marks.
struct Glyph {
  std::string bytes;
  int columns = 1;
  bool operator==(const Glyph&) const = default;
};

// The text as glyphs that are safe to print. C0 controls show as their picture (U+2400…), tabs and
// line ends as a space, bidirectional controls and other unprintables as U+FFFD. Joiners and
// variation selectors are left out, since terminals disagree about the width of what they make.
std::vector<Glyph> to_glyphs(std::string_view text);

// The same as one string: for tables and log lines.
std::string printable(std::string_view text);

int columns_of(std::string_view text);

// Cuts to at most `columns`, ending in "…" when something was left out.
std::string cut_to(std::string_view text, int columns);

// Cuts or fills with spaces to exactly `columns`.
std::string fit_to(std::string_view text, int columns);

// Breaks one line of glyphs (anything with `bytes` and `columns`) into lines of at most `columns`, at spaces where there
// are any. At least one line, perhaps empty.
template <typename G>
std::vector<std::vector<G>> break_line(const std::vector<G>& glyphs, int columns) {
  std::vector<std::vector<G>> lines;
  std::vector<G> current;
  int used = 0;
  std::size_t after_space = 0;  // glyphs up to and with the last space of the current line
  for (const G& glyph : glyphs) {
    if (used + glyph.columns > columns) {
      const bool at_space = glyph.bytes == " ";  // the line end takes the place of the space
      std::vector<G> rest;
      if (!at_space && after_space > 0) {
        rest.assign(current.begin() + static_cast<std::ptrdiff_t>(after_space), current.end());
        current.resize(after_space - 1);
      }
      lines.push_back(std::move(current));
      current = std::move(rest);
      used = 0;
      after_space = 0;
      for (const G& kept : current) used += kept.columns;
      if (at_space) continue;
    }
    current.push_back(glyph);
    used += glyph.columns;
    if (glyph.bytes == " " && current.size() > 1) after_space = current.size();
  }
  lines.push_back(std::move(current));
  return lines;
}

// The same for text with line ends.
std::vector<std::vector<Glyph>> wrap(std::string_view text, int columns);

}  // namespace amicale::admin
