// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace amicale::admin {

PrivateFile::~PrivateFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool PrivateFile::open(const std::string& path) {
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  return descriptor_ >= 0 && ::fchmod(descriptor_, 0600) == 0;
}

bool PrivateFile::add(const std::string& line) {
  return ::write(descriptor_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace amicale::admin
