// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "storage/big_endian.h"
#include "storage/error.h"
#include "storage/hex.h"

namespace amicale::storage {

namespace {

// Looked up once: OpenSSL 3 searches its providers on every EVP_sha256() use otherwise.
const EVP_MD* sha256() {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return algorithm;
}

EVP_MD_CTX* context(void* opaque) { return static_cast<EVP_MD_CTX*>(opaque); }

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr || EVP_DigestInit_ex2(context(context_), sha256(), nullptr) != 1) {
    throw Error("SHA-256 is not available");
  }
}

Sha256::~Sha256() { EVP_MD_CTX_free(context(context_)); }

Sha256& Sha256::add(std::string_view bytes) {
  if (EVP_DigestUpdate(context(context_), bytes.data(), bytes.size()) != 1) {
    throw Error("SHA-256 failed");
  }
  return *this;
}

Sha256& Sha256::add_u64(uint64_t value) {
  const uint64_t swapped = big_endian(value);
  char bytes[8];
  std::memcpy(bytes, &swapped, 8);
  return add({bytes, 8});
}

Digest Sha256::finish() {
  Digest digest;
  if (EVP_DigestFinal_ex(context(context_), reinterpret_cast<unsigned char*>(digest.data()),
                         nullptr) != 1 ||
      EVP_DigestInit_ex2(context(context_), nullptr, nullptr) != 1) {
    throw Error("SHA-256 failed");
  }
  return digest;
}

Sha256& Sha256::of_thread() {
  thread_local Sha256 hash;
  return hash;
}

void fill_random(char* into, size_t size) {
  // A draw costs about as much for 4 KiB as for 16 bytes.
  struct Pool {
    unsigned char bytes[4096];
    size_t used = sizeof bytes;
  };
  thread_local Pool pool;
  while (size > 0) {
    if (pool.used == sizeof pool.bytes) {
      if (RAND_bytes(pool.bytes, sizeof pool.bytes) != 1) throw Error("no randomness");
      pool.used = 0;
    }
    const size_t part = std::min(size, sizeof pool.bytes - pool.used);
    std::memcpy(into, pool.bytes + pool.used, part);
    std::memset(pool.bytes + pool.used, 0, part);
    pool.used += part;
    into += part;
    size -= part;
  }
}

std::string to_hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const unsigned char byte : bytes) {
    hex.push_back(digits[byte >> 4]);
    hex.push_back(digits[byte & 15]);
  }
  return hex;
}

}  // namespace amicale::storage
