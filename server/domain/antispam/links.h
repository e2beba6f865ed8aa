// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The links of a text, as a browser would follow them and as a reader would be fooled by them. No
// link is ever fetched.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/domain/antispam/normal_text.h"

namespace amicale::domain::antispam {

struct Link {
  std::string host;         // where it leads: lower case, ASCII (punycode), without port and user
  std::string registrable;  // its registrable domain by the public suffix list; an address: itself
  std::string looks_like;   // the ASCII host that it is mistaken for; empty for an honest one
  Span span;                // in the author's own text
  bool certain = true;      // false: bare words with a dot that may as well be a missing space
  bool user_info = false;   // "https://bank.example@evil.example": what stands first is no host
  bool address = false;     // a bare IP address
};

// Links in the order of the text, at most `most`. Linear in its size.
std::vector<Link> find_links(const Folding& folding, const NormalText& text, std::string_view body,
                             std::size_t most);

// The registrable domain of a lower-case ASCII host ("a.b.example.co.uk" -> "example.co.uk"); the
// host itself when it is a public suffix or an address.
std::string registrable_domain(std::string_view host);

// Whether `host` is `listed` or below it: "example.com" covers "www.example.com" and not
// "attacker-example.com".
bool host_matches(std::string_view host, std::string_view listed);

// Hosts that are read alike give the same text: "rnicrosoft.com" and "microsoft.com", "paypa1.com"
// and "paypal.com".
std::string look_of_host(std::string_view host);

}  // namespace amicale::domain::antispam
