// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "amicale/client/audit.h"

namespace amicale::admin {

// What this person's client has seen of one site's provable log, kept beside the session: lines as in an export, the key first.
// Used from the SDK's thread. A file that can't be read is as if it were not there; one that can't be written keeps the old pins.
class AuditPins final : public client::AuditStore {
 public:
  // `folder`: where the session file is. One file for each server.
  AuditPins(const std::filesystem::path& folder, const std::string& url);

  std::string load_key() override { return key_; }
  void save_key(const std::string& public_key) override;
  std::optional<v1::AuditHead> load(client::Stream stream) override;
  void save(const v1::AuditHead& head) override;

 private:
  void write() const;

  std::filesystem::path file_;
  std::string key_;
  std::map<client::Stream, v1::AuditHead> heads_;
};

}  // namespace amicale::admin
