// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/http_routes.h"

#include <doctest/doctest.h>

#include <set>

namespace amicale::http {
namespace {

constexpr std::string_view good_key = "dGhlIHNhbXBsZSBub25jZQ==";

unsigned status_of(Method method, std::string_view target) {
  const auto routed = route(method, target);
  return routed.resource ? 200 : routed.error.status;
}

TEST_CASE("each resource answers to its path and method") {
  CHECK(route(Method::kGet, "/healthz").resource == Resource::kHealth);
  CHECK(route(Method::kHead, "/healthz").resource == Resource::kHealth);
  CHECK(route(Method::kGet, "/readyz").resource == Resource::kReadiness);
  CHECK(route(Method::kGet, "/metrics").resource == Resource::kMetrics);
  CHECK(route(Method::kPost, "/v1/call").resource == Resource::kCall);
  CHECK(route(Method::kGet, "/v1/ws").resource == Resource::kWebSocket);
  const auto invitation = route(Method::kGet, "/i/AbC-_9");
  CHECK(invitation.resource == Resource::kInvitation);
  CHECK(invitation.parameter == "AbC-_9");
}

TEST_CASE("a wrong method is refused with the right ones") {
  CHECK(status_of(Method::kGet, "/v1/call") == 405);
  CHECK(route(Method::kGet, "/v1/call").error.allow == "POST");
  CHECK(route(Method::kPost, "/healthz").error.allow == "GET, HEAD");
  CHECK(route(Method::kHead, "/v1/ws").error.allow == "GET");
  CHECK(status_of(Method::kOther, "/i/abc") == 405);
}

TEST_CASE("everything else is not found") {
  for (const auto* target : {"",
                             "/",
                             "*",
                             "/healthz/",
                             "//healthz",
                             "/HEALTHZ",
                             "/v1",
                             "/v1/ws/",
                             "/v1/call/x",
                             "/i",
                             "/i/",
                             "/i/a/b",
                             "/i/%41",
                             "/i/..",
                             "/i/a b",
                             "/../healthz",
                             "/health%7a",
                             "http://x/healthz",
                             "/favicon.ico",
                             "/v1/wsx"}) {
    CAPTURE(target);
    CHECK(status_of(Method::kGet, target) == 404);
  }
  CHECK(status_of(Method::kGet, "/i/" + std::string(65, 'a')) == 404);
}

TEST_CASE("a token can never travel in a URL") {
  CHECK(status_of(Method::kGet, "/v1/ws?token=abc") == 400);
  CHECK(status_of(Method::kPost, "/v1/call?access_token=abc") == 400);
  CHECK(status_of(Method::kGet, "/i/abc?x=y") == 404);
}

TEST_CASE("an upgrade needs an allowed origin, exactly, or none") {
  const std::vector<std::string> origins = {"https://chat.example.org", "http://127.0.0.1:8080"};
  const auto status = [&](std::optional<std::string_view> origin) {
    const auto error = check_upgrade({origin, "amicale.v1", good_key}, origins);
    return error ? error->status : 101;
  };
  CHECK(status(std::nullopt) == 101);
  CHECK(status("https://chat.example.org") == 101);
  CHECK(status("http://127.0.0.1:8080") == 101);
  for (const auto* origin :
       {"", "null", "https://evil.example", "https://chat.example.org.evil.example",
        "https://evilchat.example.org", "http://chat.example.org", "https://chat.example.org:8443",
        "https://chat.example.org/", "HTTPS://chat.example.org",
        "https://chat.example.org, https://evil.example", " https://chat.example.org"}) {
    CAPTURE(origin);
    CHECK(status(origin) == 403);
  }
}

TEST_CASE("an upgrade needs the subprotocol amicale.v1") {
  const auto status = [](std::string_view subprotocols) {
    const auto error = check_upgrade({std::nullopt, subprotocols, good_key}, {});
    return error ? error->status : 101;
  };
  CHECK(status("amicale.v1") == 101);
  CHECK(status("chat, amicale.v1") == 101);
  CHECK(status("amicale.v1,amicale.v2") == 101);
  CHECK(status("") == 400);
  CHECK(status("amicale.v11") == 400);
  CHECK(status("amicale") == 400);
  CHECK(status(", ,") == 400);
}

TEST_CASE("an upgrade needs a key of 16 bytes") {
  const auto status = [](std::string_view key) {
    const auto error = check_upgrade({std::nullopt, "amicale.v1", key}, {});
    return error ? error->status : 101;
  };
  CHECK(status(good_key) == 101);
  for (const auto* key : {"", "abc", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZWE=",
                          "dGhlIHNhbXBsZSBub25j\tQ==", "dGhlIHNhbXBsZSBub25jZQ==="}) {
    CAPTURE(key);
    CHECK(status(key) == 400);
  }
}

TEST_CASE("every refusal has an HTTP status of its own kind") {
  for (int code = v1::RefusalCode_MIN; code <= v1::RefusalCode_MAX; ++code) {
    if (!v1::RefusalCode_IsValid(code)) continue;
    CAPTURE(v1::RefusalCode_Name(static_cast<v1::RefusalCode>(code)));
    const auto status = http_status(static_cast<v1::RefusalCode>(code));
    const bool ours = code == v1::REFUSAL_CODE_INTERNAL || code == v1::REFUSAL_CODE_UNSPECIFIED;
    CHECK((status == 500) == ours);
    CHECK(status >= 400);
    CHECK(status < 600);
  }
  CHECK(http_status(v1::REFUSAL_CODE_UNAUTHENTICATED) == 401);
  CHECK(http_status(v1::REFUSAL_CODE_RATE_LIMITED) == 429);
  CHECK(http_status(v1::REFUSAL_CODE_UNAVAILABLE) == 503);
  CHECK(http_status(v1::REFUSAL_CODE_NO_SPACE) == 507);
}

TEST_CASE("a bearer token is 32 bytes in base64url") {
  const std::string good = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  CHECK(bearer_token("Bearer " + good) == std::string(32, '\0'));
  CHECK(bearer_token("bearer   " + good) == std::string(32, '\0'));
  CHECK_FALSE(bearer_token(""));
  CHECK_FALSE(bearer_token(good));
  CHECK_FALSE(bearer_token("Basic " + good));
  CHECK_FALSE(bearer_token("Bearer"));
  CHECK_FALSE(bearer_token("Bearer "));
  CHECK_FALSE(bearer_token("Bearer " + good + "AA"));
  CHECK_FALSE(bearer_token("Bearer " + good.substr(1)));
  CHECK_FALSE(bearer_token("Bearer !" + good.substr(1)));
}

TEST_CASE("secrets are compared whole") {
  CHECK(equal_secrets("abc", "abc"));
  CHECK_FALSE(equal_secrets("abc", "abd"));
  CHECK_FALSE(equal_secrets("abc", "ab"));
  CHECK_FALSE(equal_secrets("", "a"));
}

TEST_CASE("every answer forbids caching, sniffing and loading, and TLS pins itself") {
  std::set<std::string_view> names;
  for (const auto& [name, value] : security_headers(true)) names.insert(name);
  for (const auto* name : {"Cache-Control", "X-Content-Type-Options", "Content-Security-Policy",
                           "Referrer-Policy", "Strict-Transport-Security"})
    CHECK(names.contains(name));
  CHECK(security_headers(false).size() + 1 == security_headers(true).size());
}

TEST_CASE("an error answer is a code and an incident, nothing more") {
  CHECK(error_body(v1::REFUSAL_CODE_NOT_FOUND, "5f0c") ==
        "{\"code\":\"NOT_FOUND\",\"incident\":\"5f0c\"}\n");
}

TEST_CASE(
    "the invitation page escapes the site's name and speaks both languages, the site's first") {
  const auto page = invitation_page("<b>A&B</b>", v1::LANGUAGE_EN);
  CHECK(page.find("<b>") == std::string::npos);
  CHECK(page.find("&lt;b&gt;A&amp;B") != std::string::npos);
  CHECK(page.find("lang=\"en\">\n<h1>") < page.find("lang=\"fr\">\n<h1>"));
  const auto french = invitation_page("Réseau", v1::LANGUAGE_UNSPECIFIED);
  CHECK(french.find("lang=\"fr\">\n<h1>") < french.find("lang=\"en\">\n<h1>"));
}

}  // namespace
}  // namespace amicale::http
