// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <filesystem>
#include <string>

namespace amicale::support {

// A key and a self-signed certificate for "localhost" and 127.0.0.1, valid from `from_s` to `to_s` seconds from now, in
// PEM files of a folder that goes away with the object.
class Identity {
 public:
  Identity(long from_s, long to_s);
  Identity() : Identity(-60, 3600) {}
  ~Identity();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  std::string certificate() const { return folder_ / "cert.pem"; }
  std::string key() const { return folder_ / "key.pem"; }

 private:
  std::filesystem::path folder_;
};

}  // namespace amicale::support
