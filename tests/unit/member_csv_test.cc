// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/member_csv.h"

#include <doctest/doctest.h>

using namespace amicale;
using namespace amicale::admin;

TEST_CASE("columns are found by name, in French or in English, in any order") {
  const auto file = read_members(
      "Matricule;Nom;Identifiant;Rôle;Langue;Courriel\r\nA1;Ève Côté;Eve.Cote;comité;fr;x@y\r\n",
      v1::LANGUAGE_FR);
  REQUIRE(file.usable);
  REQUIRE(file.problems.empty());
  REQUIRE(file.rows.size() == 1);
  CHECK(file.rows[0].login == "eve.cote");
  CHECK(file.rows[0].display_name == "Ève Côté");
  CHECK(file.rows[0].role == v1::CLUB_ROLE_COMMITTEE);
  CHECK(file.rows[0].language == v1::LANGUAGE_FR);
  CHECK(file.rows[0].external_id == "A1");
  CHECK(file.rows[0].line == 2);
}

TEST_CASE("role and language may be absent: a member, in the club's language") {
  const auto file = read_members("login,display_name\nada,Ada\n", v1::LANGUAGE_EN);
  REQUIRE(file.rows.size() == 1);
  CHECK(file.rows[0].role == v1::CLUB_ROLE_MEMBER);
  CHECK(file.rows[0].language == v1::LANGUAGE_UNSPECIFIED);
}

TEST_CASE("each bad line is reported with its number and reason, and the good ones are kept") {
  const auto file = read_members(
      "login,display_name,role,language\n"
      "ada,Ada,member,fr\n"        // 2
      "ab,Too short,member,fr\n"   // 3
      "bob,,member,fr\n"           // 4
      "eve,Eve,king,fr\n"          // 5
      "mia,Mia,member,klingon\n"   // 6
      "ADA,Ada again,member,fr\n"  // 7: the same login
      "zoe,Zoe,member\n"           // 8: a field short
      "bad\"quote,X,member,fr\n"   // 9
      "\n"
      "leo,Léo,member,fr\n",  // 11
      v1::LANGUAGE_EN);
  REQUIRE(file.rows.size() == 2);
  CHECK(file.rows[0].login == "ada");
  CHECK(file.rows[1].login == "leo");
  CHECK(file.rows[1].line == 11);
  std::vector<std::size_t> lines;
  for (const auto& problem : file.problems) {
    lines.push_back(problem.line);
    CHECK_FALSE(problem.reason.empty());
  }
  CHECK(lines == std::vector<std::size_t>{3, 4, 5, 6, 7, 8, 9});
  CHECK(file.problems[4].reason == "ada is already on line 2");
}

TEST_CASE("a login or a name that the server would refuse is reported before it is asked") {
  const auto file = read_members(
      "login,display_name\n"
      ".ada,Ada\n"             // 2: begins with a dot
      "bob,Bob  Grand\n"       // 3: two spaces
      "eve,E\xE2\x80\x8Bve\n"  // 4: a space of no width
      "leo,L\x65\xCC\x81o\n",  // 5: an accent of its own, in the form that the server keeps
      v1::LANGUAGE_EN);
  REQUIRE(file.rows.size() == 1);
  CHECK(file.rows[0].display_name == "Léo");
  REQUIRE(file.problems.size() == 3);
  CHECK(file.problems[2].line == 4);
}

TEST_CASE("a file without the needed columns is refused whole") {
  CHECK_FALSE(read_members("nom,prénom\nx,y\n", v1::LANGUAGE_FR).usable);
  CHECK_FALSE(read_members("", v1::LANGUAGE_FR).usable);
  CHECK(read_members("", v1::LANGUAGE_FR).problems.size() == 1);
}
