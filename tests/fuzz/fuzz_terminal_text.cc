// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Text of others on its way to a terminal or a log: nothing that comes out steers the terminal, and every piece is as wide as it says.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/admin/terminal_text.h"
#include "server/logging.h"

namespace {
namespace admin = amicale::admin;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// Controls, and what turns the direction of a line.
bool steers(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x200e || c == 0x200f || c == 0x061c ||
         (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

void check_safe(std::string_view text, const char* what) {
  check(admin::is_utf8(text), what);
  for (std::size_t at = 0; at < text.size();)
    check(!steers(admin::next_code_point(text, at)), what);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  admin::use_utf8_locale();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const int columns = 1 + data[0] % 100;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto repaired = admin::repair_utf8(text);
  check(admin::is_utf8(repaired) && admin::repair_utf8(repaired) == repaired,
        "repaired text is well formed and stays");
  check(!admin::is_utf8(text) || repaired == text, "well-formed text comes back unchanged");
  check_safe(admin::printable(text), "printable");
  check_safe(admin::cut_to(text, columns), "cut");
  check_safe(admin::fit_to(text, columns), "fitted");
  check(admin::columns_of(admin::cut_to(text, columns)) <= columns,
        "a cut text is no wider than asked");
  check(admin::columns_of(admin::fit_to(text, columns)) == columns, "a fitted text has its width");
  for (const auto& line : admin::wrap(text, columns < 2 ? 2 : columns)) {
    int used = 0;
    for (const auto& glyph : line) used += glyph.columns;
    check(used <= (columns < 2 ? 2 : columns), "a wrapped line is no wider than asked");
  }
  for (const auto format : {amicale::LogFormat::kText, amicale::LogFormat::kJson}) {
    const auto line = amicale::format_log_line(format, 0, "info", text);
    check(line.find('\n') == std::string::npos && line.find('\x1b') == std::string::npos,
          "a log line is one line");
  }
  return 0;
}
