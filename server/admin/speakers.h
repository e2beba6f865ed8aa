// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/admin/console.h"

namespace amicale::admin {

// An account that a verb speaks as, by a connection of its own.
struct Speaker {
  std::string login{};  // empty: the one of the saved session
  std::unique_ptr<Connection> connection;
};

// Logs in every account of a file of lines "login,password"; without a file, whoever is logged in. What goes wrong is
// printed.
OrExit<std::vector<Speaker>> log_speakers_in(const Console& console,
                                             const std::string& logins_file);

}  // namespace amicale::admin
