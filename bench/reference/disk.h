// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace amicale::reference {

// Each answers one line of JSON.

// One file, `bytes` appended and fdatasync'd again and again: what one durable post can cost at the least.
std::string append_and_sync(const std::filesystem::path& folder, size_t bytes, double seconds);

// The newest `count` rows of a room's messages by a new iterator each time, copied out, on the stopped site in `folder`:
// what a page of history can cost at the least.
std::string scan_newest(const std::filesystem::path& folder, uint64_t club, uint64_t room,
                        uint32_t count, double seconds);

}  // namespace amicale::reference
