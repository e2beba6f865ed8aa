// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Where a server is, as people type it and as the SDK takes it; and tokens as text.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client-sdk/cpp/src/url.h"
#include "server/admin/profile.h"
#include "server/auth/token.h"

namespace {
using namespace amicale;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check_url(std::string_view text) {
  const auto url = client::parse_url(text);
  if (!url) return;
  check(!url->host.empty() && !url->port.empty() && url->path.starts_with('/'),
        "a URL has a host, a port and a path");
  for (const std::string& part : {url->host, url->path, url->authority()}) {
    for (const char c : part)
      check(c > ' ' && c < 127, "nothing in a URL can end a line of a request");
  }
  const auto again =
      client::parse_url((url->tls ? "wss://" : "ws://") + url->authority() + url->path);
  check(again && again->tls == url->tls && again->host == url->host && again->path == url->path &&
            std::stoul(again->port) == std::stoul(url->port),
        "a URL comes back from its parts");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_url(text);
  check_url("ws://" + std::string(text));
  const auto typed = admin::websocket_url(text);
  check(!client::parse_url(typed) || admin::websocket_url(typed) == typed,
        "a URL that was completed stays");
  check_url(typed);
  if (const auto token = admin::token_from_text(text)) {
    check(token->size() == 32, "a token has its length");
    check(admin::token_from_text(auth::to_base64url(*token)) == token, "a token comes back");
  }
  return 0;
}
