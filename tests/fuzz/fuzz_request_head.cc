// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What our own code reads of an HTTP request: the head, the route, the upgrade's fields, tokens, forwarded addresses, origins. A head
// that passes has one Host and one end, wherever the bytes were cut on their way.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/auth/token.h"
#include "server/domain/limits.h"
#include "server/http/address.h"
#include "server/http/head.h"
#include "server/http/http_routes.h"

namespace {
using namespace amicale;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

void check_head(std::string_view bytes) {
  const std::size_t size = http::head_size(bytes, 0);
  for (const std::size_t searched : {bytes.size() / 2, bytes.size(), bytes.size() / 3}) {
    // Searched means: without finding an end.
    if (http::head_size(bytes.substr(0, searched), 0) == 0) {
      check(http::head_size(bytes, searched) == size,
            "a head ends where it ends, in however many pieces it comes");
    }
  }
  if (size == 0 || !http::is_plain_head(bytes.substr(0, size))) return;
  const auto head = bytes.substr(0, size);
  check(
      head.find("\r\n ") == std::string_view::npos && head.find("\r\n\t") == std::string_view::npos,
      "no line is folded");
  check(head.find("\r\n\r\n") + 4 == size, "a head has one end");
}

void check_text(std::string_view text) {
  for (const auto method :
       {http::Method::kGet, http::Method::kHead, http::Method::kPost, http::Method::kOther}) {
    const auto routed = http::route(method, text);
    check(routed.resource.has_value() || routed.error.status >= 400,
          "a target leads somewhere or is refused");
  }
  (void)http::check_upgrade({text, text, text}, {"https://chat.example.org"});
  if (const auto token = http::bearer_token(text)) {
    check(token->size() == domain::limits::token_bytes, "a token has its length");
  }
  if (const auto decoded = auth::from_base64url(text)) {
    check(auth::from_base64url(auth::to_base64url(*decoded)) == decoded, "base64url comes back");
  }
  const auto peer = boost::asio::ip::make_address("192.0.2.7");
  check(http::client_address(peer, text, {}) == peer, "nobody is believed who is not trusted");
  static const auto trusted = http::Networks::parse({"192.0.2.0/24", "10.0.0.0/8", "::1"}).value();
  (void)http::counted_address(http::client_address(peer, text, trusted));
  if (const auto endpoint = http::parse_endpoint(text)) (void)endpoint->address().to_string();
  (void)http::Networks::parse({std::string(text)});
  if (const auto origin = http::origin_of(text)) {
    check(http::origin_of(*origin) == origin, "an origin is its own origin");
    check(origin->find('@') == std::string::npos, "an origin has no user");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_head(bytes);
  check_text(bytes.substr(0, 1024));
  return 0;
}
