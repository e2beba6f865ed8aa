// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Names that are read as somebody else's: those of a club's officers, those that its rules keep, and those that claim an
// office.
#pragma once

#include "server/commands/gate.h"

namespace amicale::commands {

// Whether the name under which `actor` speaks in the club being decided apes an officer's. Officers bear their own.
bool apes_officer(const log::Deciding& now, const domain::antispam::Shield& shield,
                  const domain::Actor& actor);

// Both pass everything without a shield, as no message is judged then.
//
// FORBIDDEN profile.name_taken when somebody new would come into the club being decided under a name that apes an officer's;
// whoever is invited to an office may. `account` 0: it has none yet.
domain::Result<void> check_entering_name(const log::Deciding& now,
                                         const domain::antispam::Shield* shield, v1::ClubRole role,
                                         uint64_t account, std::string_view name);

// The same for an account that changes its name, in each of its clubs. Where it holds an office it may name it, and takes
// no other officer's name.
domain::Result<void> check_new_name(const storage::View& view,
                                    const domain::antispam::Shield* shield, uint64_t account,
                                    std::string_view name);

}  // namespace amicale::commands
