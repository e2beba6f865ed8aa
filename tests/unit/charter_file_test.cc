// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/charter_file.h"

#include <doctest/doctest.h>

#include "server/domain/charter.h"

namespace amicale::admin_test {
namespace {

using namespace amicale::admin;

TEST_CASE("the shipped charter written to a file reads back as it was") {
  const auto& shipped = domain::default_charter();
  const auto read = charter_from(charter_to_toml(shipped));
  REQUIRE_MESSAGE(read, read.error());
  REQUIRE(read->rules_size() == shipped.rules_size());
  for (int i = 0; i < shipped.rules_size(); ++i) {
    CHECK(read->rules(i).SerializeAsString() == shipped.rules(i).SerializeAsString());
  }
}

TEST_CASE(
    "a charter is read in both languages' words, and what can't be read is named by its line") {
  const auto read = charter_from(
      "[[rule]]\nid = \"a\"\nfr = \"Un\"\nen = \"One\"\nreasons = [\"publicité\", \"spam\"]\n"
      "ladder = [\"mot\", \"mute 2h\", \"exclusion\"]\n");
  REQUIRE_MESSAGE(read, read.error());
  const auto& rule = read->rules(0);
  CHECK(rule.reasons(0) == v1::REASON_CODE_ADVERTISING);
  CHECK(rule.reasons(1) == v1::REASON_CODE_SPAM);
  CHECK(rule.ladder(0).measure() == v1::MEASURE_NUDGE);
  CHECK(rule.ladder(1).duration_s() == 7'200);
  CHECK(rule.ladder(2).measure() == v1::MEASURE_BAN);
  for (const char* bad : {"\n[[rule]]\nid = 3", "\n[[rule]]\nreasons = [\"x\"]",
                          "\n[[rule]]\nladder = [\"mute soon\"]", "\n\nrule = 3",
                          "\n[[rule]]\ncolour = \"red\"", "\n[[rule\n"}) {
    CAPTURE(bad);
    const auto no = charter_from(bad);
    REQUIRE(!no);
    CHECK((no.error().starts_with("2: ") || no.error().starts_with("3: ")));
  }
}

}  // namespace
}  // namespace amicale::admin_test
