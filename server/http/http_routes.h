// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What the server answers over HTTP, apart from how bytes travel: the table of endpoints, the conditions of a WebSocket
// upgrade, and the headers and bodies of answers. Pure: a request goes in as values, an answer comes out as values.
//
//   GET  /healthz     the process runs
//   GET  /readyz      it can serve: the store writes, and nothing drains
//   GET  /metrics     Prometheus text; loopback, or with the configured token
//   POST /v1/call     one ClientFrame as protobuf JSON -> one Reply as protobuf JSON
//   GET  /v1/ws       upgrade to WebSocket, subprotocol amicale.v1
//   GET  /i/CODE      what to do with an invitation link
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "amicale/v1/common.pb.h"
#include "amicale/v1/error.pb.h"

namespace amicale::http {

enum class Method : std::uint8_t { kGet, kHead, kPost, kOther };

enum class Resource : std::uint8_t {
  kHealth,
  kReadiness,
  kMetrics,
  kCall,
  kWebSocket,
  kInvitation
};

struct RouteError {
  unsigned status;
  v1::RefusalCode code;
  std::string_view allow;  // 405: the methods that the resource has
};

// Where a request goes, or why it goes nowhere. HEAD goes where GET does, except to the upgrade.
struct Routed {
  std::optional<Resource> resource;
  RouteError error{};
  std::string_view parameter;  // kInvitation: the code; points into `target`
};

// `target` is the request's, as received. A query is refused everywhere: no resource has one, and a token must never
// travel in a URL, where proxies and histories keep it.
Routed route(Method method, std::string_view target);

// The headers that decide an upgrade; a header that is absent is nothing, which is not the same as empty.
struct UpgradeRequest {
  std::optional<std::string_view> origin;
  std::string_view subprotocols;  // Sec-WebSocket-Protocol, joined by commas
  std::string_view key;           // Sec-WebSocket-Key
};

// Browsers send Origin, other clients do not: it must be absent or exactly one of `origins`. The subprotocol must be
// offered, and the key be 16 bytes in base64. Nothing when the upgrade may go on.
std::optional<RouteError> check_upgrade(const UpgradeRequest& request,
                                        const std::vector<std::string>& origins);

inline constexpr std::string_view kSubprotocol = "amicale.v1";

// The status that /v1/call answers a refusal with.
unsigned http_status(v1::RefusalCode code);

// The token of "Authorization: Bearer TOKEN" in base64 or base64url, decoded to its bytes; nothing when the header is
// something else.
std::optional<std::string> bearer_token(std::string_view authorization);

// The characters after "Bearer ", undecoded; nothing when the header is something else.
std::optional<std::string_view> bearer_credentials(std::string_view authorization);

// Compares a secret in time that depends on its length alone.
bool equal_secrets(std::string_view a, std::string_view b);

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

// Headers of every answer: nothing is cached, sniffed, framed or referred, and a page may load nothing.
const Headers& security_headers(bool tls);

// {"code":"NOT_FOUND","incident":"5f0c…"}
std::string error_body(v1::RefusalCode code, std::string_view incident);

// The page behind an invitation link, in both languages, the site's first. It neither checks nor repeats the code: only the
// program that the person then opens does.
std::string invitation_page(std::string_view site_name, v1::Language language);

}  // namespace amicale::http
