// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The alumni office's file of members, whatever a spreadsheet made of it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string_view>

#include "server/admin/member_csv.h"
#include "server/domain/limits.h"
#include "server/domain/text.h"

namespace {
using namespace amicale;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto language : {v1::LANGUAGE_EN, v1::LANGUAGE_FR}) {
    const auto file = admin::read_members(text, language);
    check(file.usable || file.rows.empty(), "without its heading nothing is read");
    check(file.usable || !file.problems.empty(), "it is said why");
    std::set<std::size_t> lines;
    std::set<std::string> logins;
    for (const auto& row : file.rows) {
      check(lines.insert(row.line).second && row.line > 1, "a line is one member");
      check(domain::check_login(row.login).has_value(), "a login that was read is a login");
      check(logins.insert(row.login).second, "a login stands once");
      check(domain::check_name(row.display_name, "display_name", domain::limits::name_characters)
                .has_value(),
            "a name that was read is a name");
    }
    for (const auto& problem : file.problems) {
      check(!problem.reason.empty() && domain::is_utf8(problem.reason), "a problem has a reason");
      check(!lines.contains(problem.line), "a line is read or refused");
    }
  }
  return 0;
}
