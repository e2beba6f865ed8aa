// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What the head of a request must be before anybody reads meaning into it (RFC 9112). The parser behind this is generous: it joins
// folded lines, takes any number of Hosts, and passes over codings that it does not know. A proxy in front of us may be generous in
// another way, and two readers who disagree about where a request ends can be made to see different requests.
#pragma once

#include <cstddef>
#include <string_view>

namespace amicale::http {

// The bytes of a head, its empty last line included; 0 while that has not come. `searched` bytes were searched before.
std::size_t head_size(std::string_view received, std::size_t searched);

// Whether a whole head is unambiguous: no folded line, one Host that is a host (none at all only in HTTP/1.0), at most one of the
// fields that are decided upon, a length in digits, chunks as the only coding and never beside a length.
bool is_plain_head(std::string_view head);

}  // namespace amicale::http
