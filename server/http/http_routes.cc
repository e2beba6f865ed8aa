// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/http_routes.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <array>

#include "server/auth/token.h"
#include "server/domain/limits.h"

namespace amicale::http {
namespace {

struct Route {
  std::string_view path;
  Method method;
  Resource resource;
};

constexpr std::array kRoutes = {
    Route{"/healthz", Method::kGet, Resource::kHealth},
    Route{"/readyz", Method::kGet, Resource::kReadiness},
    Route{"/metrics", Method::kGet, Resource::kMetrics},
    Route{"/v1/call", Method::kPost, Resource::kCall},
    Route{"/v1/ws", Method::kGet, Resource::kWebSocket},
};
constexpr std::string_view kInvitationPrefix = "/i/";

constexpr RouteError kNotFound{404, v1::REFUSAL_CODE_NOT_FOUND, ""};
constexpr RouteError kQueryRefused{400, v1::REFUSAL_CODE_BAD_REQUEST, ""};

RouteError wrong_method(std::string_view allow) {
  return {405, v1::REFUSAL_CODE_UNSUPPORTED, allow};
}

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= domain::limits::invitation_code_bytes &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
             std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool offers(std::string_view subprotocols, std::string_view wanted) {
  while (!subprotocols.empty()) {
    const auto comma = std::min(subprotocols.find(','), subprotocols.size());
    if (trimmed(subprotocols.substr(0, comma)) == wanted) return true;
    subprotocols.remove_prefix(std::min(comma + 1, subprotocols.size()));
  }
  return false;
}

// 16 bytes in base64 are 22 characters and two of padding.
bool is_key(std::string_view text) {
  constexpr std::size_t size = 22;
  return text.size() == size + 2 && text.ends_with("==") &&
         text.substr(0, size).find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") ==
             std::string_view::npos;
}

std::string html_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string french_section(const std::string& site) {
  return "<section lang=\"fr\">\n<h1>Vous êtes invité·e sur " + site +
         "</h1>\n<p>Ce lien vous permet de rejoindre " + site +
         ".</p>\n<ol>\n"
         "<li>Dans un terminal, tapez <code>amicale join</code> suivi de l’adresse complète de "
         "cette page.</li>\n"
         "<li>Choisissez un nom de connexion et un mot de passe.</li>\n"
         "<li>Ouvrez la discussion : <code>amicale chat</code>.</li>\n</ol>\n"
         "<p>Ne montrez ce lien à personne d’autre : qui l’a peut s’en servir.</p>\n</section>\n";
}

std::string english_section(const std::string& site) {
  return "<section lang=\"en\">\n<h1>You are invited to " + site +
         "</h1>\n<p>This link lets you join " + site +
         ".</p>\n<ol>\n"
         "<li>In a terminal, type <code>amicale join</code> followed by the whole address of this "
         "page.</li>\n"
         "<li>Choose a login and a password.</li>\n"
         "<li>Open the conversation: <code>amicale chat</code>.</li>\n</ol>\n"
         "<p>Do not show this link to anybody else: whoever has it can use it.</p>\n</section>\n";
}

}  // namespace

Routed route(Method method, std::string_view target) {
  const auto path = target.substr(0, target.find_first_of("?#"));
  const bool has_query = path.size() != target.size();
  const bool reads = method == Method::kGet || method == Method::kHead;
  if (path.starts_with(kInvitationPrefix)) {
    const auto code = path.substr(kInvitationPrefix.size());
    if (has_query || !is_code(code)) return {std::nullopt, kNotFound, {}};
    if (!reads) return {std::nullopt, wrong_method("GET, HEAD"), {}};
    return {Resource::kInvitation, {}, code};
  }
  const auto found = std::ranges::find(kRoutes, path, &Route::path);
  if (found == kRoutes.end()) return {std::nullopt, kNotFound, {}};
  const bool upgrade = found->resource == Resource::kWebSocket;
  const bool allowed = found->method == method || (method == Method::kHead && reads && !upgrade &&
                                                   found->method == Method::kGet);
  if (!allowed)
    return {std::nullopt,
            wrong_method(found->method == Method::kPost ? "POST"
                         : upgrade                      ? "GET"
                                                        : "GET, HEAD"),
            {}};
  if (has_query) return {std::nullopt, kQueryRefused, {}};
  return {found->resource, {}, {}};
}

std::optional<RouteError> check_upgrade(const UpgradeRequest& request,
                                        const std::vector<std::string>& origins) {
  if (request.origin && std::ranges::find(origins, *request.origin) == origins.end())
    return RouteError{403, v1::REFUSAL_CODE_FORBIDDEN, ""};
  if (!offers(request.subprotocols, kSubprotocol))
    return RouteError{400, v1::REFUSAL_CODE_UNSUPPORTED, ""};
  if (!is_key(request.key)) return RouteError{400, v1::REFUSAL_CODE_BAD_REQUEST, ""};
  return std::nullopt;
}

unsigned http_status(v1::RefusalCode code) {
  switch (code) {
    case v1::REFUSAL_CODE_BAD_REQUEST: return 400;
    case v1::REFUSAL_CODE_UNAUTHENTICATED:
    case v1::REFUSAL_CODE_BAD_CREDENTIALS: return 401;
    case v1::REFUSAL_CODE_FORBIDDEN:
    case v1::REFUSAL_CODE_CONSENT_NEEDED:
    case v1::REFUSAL_CODE_BLOCKED:
    case v1::REFUSAL_CODE_NOT_ACTIVE:
    case v1::REFUSAL_CODE_CHARTER_NEEDED:
    case v1::REFUSAL_CODE_SANCTIONED: return 403;
    case v1::REFUSAL_CODE_RAID_MODE: return 403;
    case v1::REFUSAL_CODE_NOT_FOUND: return 404;
    case v1::REFUSAL_CODE_CONFLICT:
    case v1::REFUSAL_CODE_CAPACITY: return 409;
    case v1::REFUSAL_CODE_EXPIRED: return 410;
    case v1::REFUSAL_CODE_TOO_LARGE: return 413;
    case v1::REFUSAL_CODE_RATE_LIMITED: return 429;
    case v1::REFUSAL_CODE_UNSUPPORTED: return 501;
    case v1::REFUSAL_CODE_OVERLOADED:
    case v1::REFUSAL_CODE_UNAVAILABLE: return 503;
    case v1::REFUSAL_CODE_NO_SPACE: return 507;
    default: return 500;
  }
}

std::optional<std::string_view> bearer_credentials(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != kScheme[i]) return std::nullopt;
  }
  return trimmed(authorization.substr(kScheme.size()));
}

std::optional<std::string> bearer_token(std::string_view authorization) {
  const auto credentials = bearer_credentials(authorization);
  if (!credentials) return std::nullopt;
  // LoginReply's JSON spells the same bytes in base64's first alphabet, padded: what was answered may be sent back as it is.
  std::string text(*credentials);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  while (text.ends_with('=')) text.pop_back();
  auto token = auth::from_base64url(text);
  if (!token || token->size() != domain::limits::token_bytes) return std::nullopt;
  return token;
}

bool equal_secrets(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

const Headers& security_headers(bool tls) {
  static const Headers plain = {
      {"Cache-Control", "no-store"},
      {"X-Content-Type-Options", "nosniff"},
      {"Content-Security-Policy",
       "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
  };
  static const Headers encrypted = [] {
    auto headers = plain;
    headers.emplace_back("Strict-Transport-Security", "max-age=31536000");
    return headers;
  }();
  return tls ? encrypted : plain;
}

std::string error_body(v1::RefusalCode code, std::string_view incident) {
  constexpr std::string_view kPrefix = "REFUSAL_CODE_";
  const auto& name = v1::RefusalCode_Name(code);
  std::string body = "{\"code\":\"";
  body += std::string_view(name).substr(std::min(kPrefix.size(), name.size()));
  body += "\",\"incident\":\"";
  body += incident;
  return body + "\"}\n";
}

std::string invitation_page(std::string_view site_name, v1::Language language) {
  const auto site = html_text(site_name);
  const bool english_first = language == v1::LANGUAGE_EN;
  std::string page = english_first ? "<!doctype html>\n<html lang=\"en\">\n"
                                   : "<!doctype html>\n<html lang=\"fr\">\n";
  page +=
      "<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<meta name=\"robots\" content=\"noindex\">\n<title>" +
      site + "</title>\n</head>\n<body>\n<main>\n";
  page += english_first ? english_section(site) + french_section(site)
                        : french_section(site) + english_section(site);
  return page + "</main>\n</body>\n</html>\n";
}

}  // namespace amicale::http
