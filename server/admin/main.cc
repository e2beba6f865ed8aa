// SPDX-License-Identifier: AGPL-3.0-or-later
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "server/admin/arguments.h"
#include "server/admin/console.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"

int main(int argc, char** argv) {
  using namespace amicale::admin;
  use_utf8_locale();
  auto invocation = parse_arguments(std::vector<std::string>(argv + 1, argv + argc));
  if (!invocation) {
    const auto& printed = invocation.error();
    std::fputs(printed.text.c_str(), printed.exit_code == kDone ? stdout : stderr);
    return printed.exit_code;
  }
  Console console(std::move(invocation->common));
  return std::visit([&](const auto& verb) { return run(verb, console); }, invocation->verb);
}
