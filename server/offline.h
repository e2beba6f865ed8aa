// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What is done to a data folder while no server runs on it.
#pragma once

#include <filesystem>
#include <string>

#include "server/domain/refusal.h"

namespace amicale::offline {

// Makes the site in an empty or absent data folder, with its first account as owner. Refuses a folder that holds a site.
// Throws storage::Error when the folder cannot be used.
domain::Result<void> create_site(const std::filesystem::path& data, std::string site_name,
                                 std::string owner_login, std::string display_name,
                                 std::string password);

}  // namespace amicale::offline
