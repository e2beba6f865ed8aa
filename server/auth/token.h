// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace amicale::auth {

// 32 random bytes from the system's generator: a device token. What is stored is `digest` of it.
std::string make_token();

// 16 random bytes as 22 characters of base64url: the code of an invitation link.
std::string make_invitation_code();

// `size` random bytes. Throws when the system has none to give.
std::string random_bytes(std::size_t size);

// SHA-256 of a secret: 32 bytes. Secrets here are random and long, so that a plain digest can't be guessed.
std::string digest(std::string_view secret);

// base64url without padding (RFC 4648, section 5).
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace amicale::auth
