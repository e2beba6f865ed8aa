// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Configuration files: every text is read or refused, and a refusal says at least one thing.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "server/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto config = amicale::parse_config(text, "fuzz.toml");
  if (config) return 0;
  if (config.error().empty()) {
    std::fprintf(stderr, "broken: refused without a reason\n");
    std::abort();
  }
  for (const auto& error : config.error()) (void)amicale::to_string(error);
  return 0;
}
