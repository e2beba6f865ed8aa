// SPDX-License-Identifier: AGPL-3.0-or-later
#include "storage/signing_key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "storage/audit.h"
#include "storage/error.h"
#include "storage/files.h"
#include "storage/hex.h"

namespace amicale::storage {

namespace fs = std::filesystem;

namespace {

constexpr const char* kSecretFile = "audit.key";
constexpr const char* kNextFile = "audit.key.next";
constexpr const char* kPublicFile = "audit.keys";
constexpr const char* kPublicPartial = "audit.keys.partial";
constexpr size_t kPublicBytes = 32;
constexpr size_t kSignatureBytes = 64;

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Bio = std::unique_ptr<BIO, FreeBio>;
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const unsigned char* bytes_in(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Key new_key() {
  Key key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!key) throw Error("no Ed25519 key could be made");
  return key;
}

std::string public_of(const Key& key) {
  std::string bytes(kPublicBytes, '\0');
  size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(bytes.data()),
                                  &size) != 1 ||
      size != kPublicBytes) {
    throw Error("an Ed25519 key has no public half");
  }
  return bytes;
}

std::string sign_with(EVP_PKEY* key, std::string_view bytes) {
  const Context context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes_in(bytes), bytes.size()) != 1 ||
      size != kSignatureBytes) {
    throw Error("Ed25519 failed");
  }
  return signature;
}

bool is_signed(std::string_view public_key, std::string_view bytes, std::string_view signature) {
  const Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_in(public_key),
                                            public_key.size()));
  const Context context(EVP_MD_CTX_new());
  return key && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_in(signature), signature.size(), bytes_in(bytes),
                          bytes.size()) == 1;
}

Key read_secret(const fs::path& file) {
  struct stat facts{};
  if (::stat(file.c_str(), &facts) == 0 && (facts.st_mode & 077) != 0) {
    throw Error(file.string() + " may be read by others than its owner: chmod 600 it");
  }
  const auto text = read_file(file);
  if (!text) throw Error(file.string() + " can't be read");
  const Bio bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  Key key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!key || EVP_PKEY_is_a(key.get(), "ED25519") != 1) {
    throw Error(file.string() + " is no Ed25519 key");
  }
  return key;
}

// Never over another file: that one's mode would stay.
void write_secret_file(const fs::path& file, std::string_view text) {
  fs::remove(file);
  write_file(file, text);
}

void write_secret(const fs::path& file, const Key& key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1) {
    throw Error("an Ed25519 key could not be written down");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  write_secret_file(file, {text, static_cast<size_t>(size)});
}

std::optional<std::string> from_hex(std::string_view hex, size_t bytes) {
  if (hex.size() != bytes * 2) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    unsigned value = 0;
    const auto* end = hex.data() + i + 2;
    if (std::from_chars(hex.data() + i, end, value, 16).ptr != end) return std::nullopt;
    out.push_back(static_cast<char>(value));
  }
  return out;
}

std::string to_line(const v1::AuditKey& key) {
  return to_hex(key.public_key()) + ' ' + std::to_string(key.since_ms()) + ' ' +
         to_hex(key.signature()) + '\n';
}

// A line of audit.keys; nothing when it is none, or is not signed by `before` (null: it is the first, and signs itself).
std::optional<v1::AuditKey> from_line(std::string_view line, const v1::AuditKey* before) {
  const auto first = line.find(' ');
  const auto second = line.find(' ', first + 1);
  if (first == line.npos || second == line.npos) return std::nullopt;
  const auto public_key = from_hex(line.substr(0, first), kPublicBytes);
  const auto since = line.substr(first + 1, second - first - 1);
  int64_t since_ms = 0;
  const auto parsed = std::from_chars(since.data(), since.data() + since.size(), since_ms);
  if (!public_key || parsed.ec != std::errc() || parsed.ptr != since.data() + since.size()) {
    return std::nullopt;
  }
  v1::AuditKey key;
  key.set_public_key(*public_key);
  key.set_since_ms(since_ms);
  const auto bytes = from_hex(line.substr(second + 1), kSignatureBytes);
  if (before != nullptr && before->public_key() == *public_key) return std::nullopt;
  const auto& signer = before == nullptr ? *public_key : before->public_key();
  if (!bytes || !is_signed(signer, handover_bytes(signer, *public_key, since_ms), *bytes)) {
    return std::nullopt;
  }
  key.set_signature(*bytes);
  return key;
}

std::vector<v1::AuditKey> read_keys(const fs::path& file) {
  const auto text = read_file(file);
  if (!text) throw Error(file.string() + " can't be read");
  std::vector<v1::AuditKey> keys;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto end = rest.find('\n');
    const auto key = from_line(rest.substr(0, end), keys.empty() ? nullptr : &keys.back());
    if (end == rest.npos || !key) {
      throw Error(file.string() + " is damaged at line " + std::to_string(keys.size() + 1));
    }
    keys.push_back(*key);
    rest.remove_prefix(end + 1);
  }
  if (keys.empty()) throw Error(file.string() + " is empty");
  return keys;
}

void write_keys(const fs::path& folder, const std::vector<v1::AuditKey>& keys) {
  std::string text;
  for (const auto& key : keys) text += to_line(key);
  write_file(folder / kPublicPartial, text);
  fs::rename(folder / kPublicPartial, folder / kPublicFile);
  sync_folder(folder);
}

// Ends a rotation, or a first start, that was interrupted: `audit.keys` says which key counts.
void finish_rotation(const fs::path& folder) {
  if (!fs::exists(folder / kNextFile)) return;
  const bool counts =
      fs::exists(folder / kPublicFile) && read_keys(folder / kPublicFile).back().public_key() ==
                                              public_of(read_secret(folder / kNextFile));
  if (counts) {
    fs::rename(folder / kNextFile, folder / kSecretFile);
  } else {
    fs::remove(folder / kNextFile);
  }
  sync_folder(folder);
}

}  // namespace

struct SigningKey::Secret {
  Key key;
};

SigningKey::SigningKey(std::unique_ptr<Secret> secret, std::vector<v1::AuditKey> keys)
    : secret_(std::move(secret)), keys_(std::move(keys)) {}
SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

SigningKey SigningKey::load_or_create(const fs::path& folder, int64_t now_ms) {
  finish_rotation(folder);
  const bool has_secret = fs::exists(folder / kSecretFile);
  const bool has_public = fs::exists(folder / kPublicFile);
  auto secret = std::make_unique<Secret>();
  if (!has_secret && !has_public) {
    secret->key = new_key();
    v1::AuditKey first;
    first.set_public_key(public_of(secret->key));
    first.set_since_ms(now_ms);
    first.set_signature(sign_with(secret->key.get(),
                                  handover_bytes(first.public_key(), first.public_key(), now_ms)));
    write_secret(folder / kNextFile, secret->key);
    sync_folder(folder);
    write_keys(folder, {first});
    fs::rename(folder / kNextFile, folder / kSecretFile);
    sync_folder(folder);
    return {std::move(secret), {first}};
  }
  const auto file = folder / (has_secret ? kPublicFile : kSecretFile);
  if (has_secret != has_public) {
    throw Error(file.string() + " is missing: put it back from a backup (docs/operations.md)");
  }
  secret->key = read_secret(folder / kSecretFile);
  auto keys = read_keys(folder / kPublicFile);
  if (keys.back().public_key() != public_of(secret->key)) {
    throw Error((folder / kSecretFile).string() + " is not the last key of " + kPublicFile);
  }
  return {std::move(secret), std::move(keys)};
}

SigningKey SigningKey::rotate(const fs::path& folder, int64_t now_ms) {
  const auto old = load_or_create(folder, now_ms);
  auto secret = std::make_unique<Secret>();
  secret->key = new_key();
  v1::AuditKey next;
  next.set_public_key(public_of(secret->key));
  next.set_since_ms(std::max(now_ms, old.keys().back().since_ms()));
  next.set_signature(
      old.sign(handover_bytes(old.public_key(), next.public_key(), next.since_ms())));
  auto keys = old.keys();
  keys.push_back(next);
  write_secret(folder / kNextFile, secret->key);
  sync_folder(folder);
  write_keys(folder, keys);
  fs::rename(folder / kNextFile, folder / kSecretFile);
  sync_folder(folder);
  return {std::move(secret), std::move(keys)};
}

void SigningKey::copy(const fs::path& from, const fs::path& to) {
  const auto secret = read_file(from / kSecretFile);
  if (!secret) return;
  write_secret_file(to / kSecretFile, *secret);
  copy_file_synced(from / kPublicFile, to / kPublicFile, {});
  sync_folder(to);
}

std::string SigningKey::sign(std::string_view bytes) const {
  return sign_with(secret_->key.get(), bytes);
}

void SigningKey::sign(v1::AuditHead& head) const {
  head.set_public_key(public_key());
  head.set_signature(sign(signed_bytes(head)));
}

}  // namespace amicale::storage
