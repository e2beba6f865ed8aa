// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace amicale::reference {

// Answers an HTTP request for an upgrade: how many bytes the request has (0 while it is not all there), the answer in `out`.
size_t answer_upgrade(std::string_view request, std::string& out);

// A client's frame at the front of `bytes`, unmasked in place. Answers its whole size, 0 while it is not all there.
size_t unmask_frame(char* bytes, size_t have, std::string_view& payload);

// The head of a server's frame of `size` bytes, binary.
void append_frame_head(std::string& out, size_t size);

// The room that a join names, and whether `payload` is one at all.
bool is_join(std::string_view payload, unsigned& room);

}  // namespace amicale::reference
