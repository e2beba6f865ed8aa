// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>
#include <string_view>

namespace amicale::storage {

// Lower-case hexadecimal, for people.
std::string to_hex(std::string_view bytes);

}  // namespace amicale::storage
