// SPDX-License-Identifier: AGPL-3.0-or-later
//
// A club's members as the alumni office keeps them: a CSV file whose first line names the columns
//   login, display_name [, role] [, language] [, external_id]
// in English or in French (identifiant, nom, rôle, langue, matricule), in any order. Unknown columns are passed over.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "amicale/v1/common.pb.h"
#include "server/admin/phrases.h"

namespace amicale::admin {

// Bounds of one file: twenty times the largest club with a long line for each.
inline constexpr std::size_t kMemberFileBytes = 16 * 1024 * 1024;
inline constexpr std::size_t kMemberFileLines = 100'000;

struct MemberRow {
  std::size_t line = 0;  // from 1, as editors count
  std::string login;
  std::string display_name;
  v1::ClubRole role = v1::CLUB_ROLE_MEMBER;
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;  // the club's
  std::string external_id;
};

struct MemberProblem {
  std::size_t line = 0;
  std::string reason;  // in the reader's language
};

struct MemberFile {
  std::vector<MemberRow> rows;
  std::vector<MemberProblem>
      problems;         // one for each line that is not in `rows`; line 1 = the file itself
  bool usable = false;  // false: the heading line is wrong and nothing was read
};

// Never stops at a bad line. What only the server can know (who exists already) is not checked here.
MemberFile read_members(std::string_view text, v1::Language language);

}  // namespace amicale::admin
