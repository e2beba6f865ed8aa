// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/csv.h"

#include <doctest/doctest.h>

using namespace amicale::admin;

namespace {

using Row = std::vector<std::string>;

std::vector<std::expected<CsvRecord, CsvError>> read_all(std::string_view text) {
  std::vector<std::expected<CsvRecord, CsvError>> out;
  CsvReader reader(text);
  while (auto record = reader.next()) out.push_back(*record);
  return out;
}

}  // namespace

TEST_CASE("quotes hold separators, quotes and line ends") {
  const auto rows = read_all("a,\"b,\"\"c\"\"\nd\",e\r\nf,,\r\n");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]->fields == Row{"a", "b,\"c\"\nd", "e"});
  CHECK(rows[0]->line == 1);
  CHECK(rows[1]->fields == Row{"f", "", ""});
  CHECK(rows[1]->line == 3);
}

TEST_CASE("the first line decides between comma and semicolon, outside quotes") {
  CHECK(CsvReader("login;nom\nx;y,z").separator() == ';');
  CHECK(CsvReader("login,\"a;b;c\"\n").separator() == ',');
  CHECK(read_all("login;nom\nx;y,z")[1]->fields == Row{"x", "y,z"});
}

TEST_CASE("a byte order mark and blank lines are passed over") {
  const auto rows = read_all("\xEF\xBB\xBFlogin,role\n\r\n\nx,y");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]->fields[0] == "login");
  CHECK(rows[1]->line == 4);
}

TEST_CASE("a broken line costs itself and no other") {
  const auto rows = read_all("a,b\n\"g\"h,c\nd,e\nf\"g,h\n\"i\"j,k\nl,m\xE9\nn,o\n");
  REQUIRE(rows.size() == 7);
  CHECK(rows[1].error().fault == CsvFault::text_after_quote);
  CHECK(rows[1].error().line == 2);
  CHECK(rows[2]->fields == Row{"d", "e"});
  CHECK(rows[3].error().fault == CsvFault::quote_in_plain_field);
  CHECK(rows[3].error().line == 4);
  CHECK(rows[4].error().fault == CsvFault::text_after_quote);
  CHECK(rows[5].error().fault == CsvFault::not_utf8);
  CHECK(rows[5].error().line == 6);
  CHECK(rows[6]->fields == Row{"n", "o"});
  CHECK(rows[6]->line == 7);
}

TEST_CASE("a quote that is never closed costs its first line only") {
  const auto rows = read_all("a,b\n\"open,c\nd,e\n");
  REQUIRE(rows.size() == 3);
  CHECK(rows[1].error().fault == CsvFault::open_quote);
  CHECK(rows[2]->fields == Row{"d", "e"});
}

TEST_CASE("a file without a last line end, and an empty one") {
  CHECK(read_all("a,b").size() == 1);
  CHECK(read_all("a,").at(0)->fields == Row{"a", ""});
  CHECK(read_all("").empty());
  CHECK(read_all("\"a\"").at(0)->fields == Row{"a"});
}
