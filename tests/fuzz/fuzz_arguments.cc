// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The operator's command line, one argument a line.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "server/admin/arguments.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view left(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> arguments;
  while (!left.empty() && arguments.size() < 40) {
    const auto end = left.find('\n');
    // An argument ends at its first zero byte.
    arguments.emplace_back(std::string(left.substr(0, end)).c_str());
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
  const auto asked = amicale::admin::parse_arguments(std::move(arguments));
  if (!asked && asked.error().text.empty()) {
    std::fprintf(stderr, "broken: refused without a word\n");
    std::abort();
  }
  return 0;
}
