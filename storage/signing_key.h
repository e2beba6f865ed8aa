// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The site's key, with which the heads of the provable log (audit.h) are signed: Ed25519, in the data folder.
//
//   <folder>/audit.key         the secret, PEM (PKCS #8), mode 0600
//   <folder>/audit.keys        every public key that ever signed, a line each, oldest first:
//                              public_key:hex64 " " since_ms:decimal " " signature:hex128
//   <folder>/audit.key.next    only while a rotation is under way
//
// The signature of a line is the hand-over, by the key of the line before; the first key signs itself. A client that trusts one key follows the lines to the
// present one; a key without a hand-over is what it must warn of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "amicale/v1/audit.pb.h"

namespace amicale::storage {

// The present key with its history. Constant once made: any thread may sign. Throws Error naming the file when the folder's key
// can't be trusted: unreadable, readable by others, or not the last of `audit.keys`.
class SigningKey {
 public:
  // The folder's key; makes one when the folder has none.
  static SigningKey load_or_create(const std::filesystem::path& folder, int64_t now_ms);
  // Makes a new key that the present one hands over to, and returns it. Nothing may use the folder meanwhile. Interrupted, it
  // has either happened or not.
  static SigningKey rotate(const std::filesystem::path& folder, int64_t now_ms);
  // Copies what belongs to the key into another folder, durably; nothing when there is none.
  static void copy(const std::filesystem::path& from, const std::filesystem::path& to);

  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();

  const std::string& public_key() const { return keys_.back().public_key(); }  // 32 bytes
  const std::vector<v1::AuditKey>& keys() const { return keys_; }
  std::string sign(std::string_view bytes) const;  // 64 bytes; about 30 us
  // Puts key and signature into a head.
  void sign(v1::AuditHead& head) const;

 private:
  struct Secret;
  SigningKey(std::unique_ptr<Secret> secret, std::vector<v1::AuditKey> keys);

  std::unique_ptr<Secret> secret_;
  std::vector<v1::AuditKey> keys_;
};

}  // namespace amicale::storage
