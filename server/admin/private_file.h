// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>

namespace amicale::admin {

// A file for its owner alone that grows line by line, so that a secret is on disk as soon as it is known: the server
// shows each once. Owned by the verb that writes it.
class PrivateFile {
 public:
  PrivateFile() = default;
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;
  ~PrivateFile();

  // False: it cannot be written; errno says why. An existing file is added to.
  bool open(const std::string& path);
  bool is_open() const { return descriptor_ >= 0; }
  bool add(const std::string& line);

 private:
  int descriptor_ = -1;
};

}  // namespace amicale::admin
