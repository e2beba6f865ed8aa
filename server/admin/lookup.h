// SPDX-License-Identifier: AGPL-3.0-or-later
//
// From the names that people type to the ids that the protocol takes. Each prints why it found nothing.
#pragma once

#include <string>

#include "server/admin/console.h"

namespace amicale::admin {

// By slug, or by id.
OrExit<v1::Club> find_club(const Console& console, Connection& connection, const std::string& name);
OrExit<v1::ClubSnapshot> load_club(const Console& console, Connection& connection,
                                   const std::string& name);
// By name (case and accents do not matter), or by id.
OrExit<v1::Room> find_room(const Console& console, const v1::ClubSnapshot& club,
                           const std::string& name);
// By login (site staff), displayed name, or account id.
OrExit<std::uint64_t> find_member(const Console& console, Connection& connection,
                                  std::uint64_t club_id, const std::string& name);

}  // namespace amicale::admin
