// SPDX-License-Identifier: AGPL-3.0-or-later
//
// SHA-256 for chains, marks and state hashes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace amicale::storage {

using Digest = std::array<char, 32>;

inline std::string_view bytes_of(const Digest& digest) { return {digest.data(), digest.size()}; }

// One running hash; `finish` gives the digest and makes it ready for the next. Belongs to one
// thread. Keep one and reuse it: making the context costs more than hashing an entry.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  Sha256& add(std::string_view bytes);
  Sha256& add_u64(uint64_t value);  // big-endian
  Digest finish();

  // The calling thread's own.
  static Sha256& of_thread();

 private:
  void* context_;
};

// Random bytes fit for secrets, drawn from a per-thread buffer.
void fill_random(char* into, size_t size);

}  // namespace amicale::storage
