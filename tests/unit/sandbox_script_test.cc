// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/sandbox_script.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "server/domain/limits.h"
#include "server/domain/raid.h"
#include "server/domain/text.h"

namespace amicale::admin {

namespace limits = domain::limits;

TEST_CASE("the people of the play have logins and names that a club takes, and no two the same") {
  const std::string slug(kSandboxSlug, 'a');
  std::set<std::string> logins;
  std::set<std::string_view> names;
  for (const auto& person : sandbox_people()) {
    const std::string login = sandbox_login(person, slug);
    CHECK(domain::check_login(login));
    CHECK(domain::check_name(person.displayed, "display_name", limits::name_characters));
    CHECK(logins.insert(login).second);
    CHECK(names.insert(person.displayed).second);
  }
  CHECK(std::ranges::count(sandbox_people(), true, &SandboxPerson::newcomer) >=
        static_cast<std::ptrdiff_t>(limits::raid_similar_authors));
}

TEST_CASE("a play is the same for the same seed, and another for another") {
  for (const auto language : {v1::LANGUAGE_FR, v1::LANGUAGE_EN}) {
    const auto one = sandbox_play(language, 7);
    const auto again = sandbox_play(language, 7);
    REQUIRE(one.size() == again.size());
    for (std::size_t i = 0; i < one.size(); ++i) {
      CHECK(one[i].text == again[i].text);
      CHECK(one[i].person == again[i].person);
      CHECK(one[i].pause_ms == again[i].pause_ms);
    }
    const auto other = sandbox_play(language, 8);
    const bool same = std::ranges::equal(one, other, [](const auto& a, const auto& b) {
      return a.text == b.text && a.person == b.person;
    });
    CHECK_FALSE(same);
  }
  // What happens is the same in both languages; what is said is not.
  const auto french = sandbox_play(v1::LANGUAGE_FR, 7);
  const auto english = sandbox_play(v1::LANGUAGE_EN, 7);
  REQUIRE(french.size() == english.size());
  for (std::size_t i = 0; i < french.size(); ++i) {
    CHECK(french[i].person == english[i].person);
    CHECK(french[i].kind == english[i].kind);
  }
  CHECK(french[0].text != english[0].text);
}

TEST_CASE("every play has what a moderator meets, in messages that the server takes") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (const auto language : {v1::LANGUAGE_FR, v1::LANGUAGE_EN}) {
      CAPTURE(seed);
      const auto people = sandbox_people();
      const auto play = sandbox_play(language, seed);
      std::set<v1::ReasonCode> reasons;
      std::map<std::uint64_t, std::set<std::size_t>> alike;
      std::map<std::uint64_t, std::uint32_t> posts_alike;
      for (std::size_t at = 0; at < play.size(); ++at) {
        const SandboxStep& step = play[at];
        REQUIRE(step.person < people.size());
        CHECK(domain::check_body(step.text));
        CHECK(step.text.find("{}") == std::string::npos);
        if (step.kind == SandboxStep::Kind::report) {
          REQUIRE(step.about < at);
          CHECK(play[step.about].kind == SandboxStep::Kind::say);
          // Nobody tells of themselves, and who tells has been here for long.
          CHECK(play[step.about].person != step.person);
          CHECK_FALSE(people[step.person].newcomer);
          reasons.insert(step.reason);
        } else if (const auto key = domain::text_key(step.text);
                   key != 0 && people[step.person].newcomer) {
          alike[key].insert(step.person);
          ++posts_alike[key];
        }
      }
      CHECK(reasons == std::set{v1::REASON_CODE_ADVERTISING, v1::REASON_CODE_INSULT,
                                v1::REASON_CODE_PRIVACY, v1::REASON_CODE_HARASSMENT});
      const bool raids = std::ranges::any_of(alike, [&](const auto& one) {
        return one.second.size() >= limits::raid_similar_authors &&
               posts_alike[one.first] >= limits::raid_similar_posts;
      });
      CHECK(raids);
      for (std::size_t person = 0; person < people.size(); ++person) {
        CHECK(domain::check_paragraph(sandbox_appeal(language, seed, person), "text",
                                      limits::purpose_bytes));
      }
    }
  }
}

}  // namespace amicale::admin
