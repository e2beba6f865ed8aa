// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Verdicts: each rule by what it stops and by what passes, and that they repeat themselves.
#include <doctest/doctest.h>

#include <string>

#include "server/auth/token.h"
#include "server/domain/antispam/judge.h"
#include "server/domain/antispam/training.h"
#include "server/domain/limits.h"

namespace amicale::domain::antispam {
namespace {

constexpr std::int64_t day = 86'400'000;
constexpr std::int64_t start = 1'000 * day;

const Filter& filter() {
  static const Filter made;
  return made;
}

Rules rules_of(std::string_view toml) {
  auto rules = Rules::parse(filter().folding(), toml);
  REQUIRE(rules);
  return *std::move(rules);
}

// A club where members post one after the other.
struct Talk {
  Rules rules = Rules::standard();
  Memory memory{rules.limits()};
  std::int64_t now = start;

  explicit Talk(Rules of = Rules::standard()) : rules(std::move(of)), memory(rules.limits()) {}

  static Circumstances newcomer(std::uint64_t account) {
    Circumstances c;
    c.actor = {.account_id = account,
               .site_role = v1::SITE_ROLE_NONE,
               .role = v1::CLUB_ROLE_MEMBER,
               .status = v1::MEMBER_STATUS_ACTIVE};
    c.standing.since_ms = start;
    c.room_id = 1;
    return c;
  }
  static Circumstances known(std::uint64_t account, std::uint32_t level) {
    Circumstances c = newcomer(account);
    if (level == 1) c.standing = {.accepted = 5, .since_ms = start - 2 * day};
    if (level == 2) c.standing = {.accepted = 30, .since_ms = start - 30 * day};
    if (level == 3) c.standing = {.accepted = 100, .since_ms = start - 90 * day};
    if (level == 4) c.actor.role = v1::CLUB_ROLE_COMMITTEE;
    return c;
  }

  Verdict judge_only(Circumstances c, std::string_view body) {
    c.now_ms = now;
    return judge(rules, filter().read(rules, body), c, memory);
  }
  Verdict say(const Circumstances& c, std::string_view body) {
    Verdict verdict = judge_only(c, body);
    if (verdict.action == Action::refuse) return verdict;
    v1::Event event;
    event.set_time_ms(now);
    event.set_actor(c.actor.account_id);
    const bool held = verdict.action == Action::hold || verdict.action == Action::mute;
    if (held) {
      event.mutable_message_held()->set_room_id(c.room_id);
    } else {
      event.mutable_message_posted()->set_room_id(c.room_id);
    }
    store::PrivatePart private_part;
    *private_part.mutable_spam() = verdict.record;
    memory.apply(event, private_part);
    if (verdict.action == Action::mute) {
      v1::Event quieted;
      quieted.set_time_ms(now);
      quieted.mutable_member_quieted()->set_account_id(c.actor.account_id);
      quieted.mutable_member_quieted()->set_until_ms(verdict.quiet_until_ms);
      memory.apply(quieted, {});
    }
    return verdict;
  }
};

std::string first_rule(const Verdict& verdict) {
  return verdict.why.findings_size() == 0 ? "" : verdict.why.findings(0).rule_id();
}

TEST_CASE(
    "trust grows with age, accepted messages and a voucher, and falls with what was rejected") {
  const Actor member{.account_id = 1,
                     .site_role = v1::SITE_ROLE_NONE,
                     .role = v1::CLUB_ROLE_MEMBER,
                     .status = v1::MEMBER_STATUS_ACTIVE};
  const auto level = [&](Standing standing) { return trust_of(standing, member, start, 24).level; };
  CHECK(level({}) == 0);
  CHECK(level({.accepted = 100, .since_ms = start}) == 0);
  CHECK(level({.accepted = 0, .since_ms = start - 90 * day}) == 0);
  CHECK(level({.accepted = 3, .since_ms = start - day}) == 1);
  CHECK(level({.accepted = 1, .vouched_by = 9, .since_ms = start}) == 1);
  CHECK(level({.accepted = 20, .since_ms = start - 14 * day}) == 2);
  CHECK(level({.accepted = 10, .vouched_by = 9, .since_ms = start - 3 * day}) == 2);
  CHECK(level({.accepted = 100, .since_ms = start - 60 * day}) == 3);
  CHECK(level({.accepted = 20, .rejected = 2, .since_ms = start - 14 * day}) == 0);
  Actor officer = member;
  officer.role = v1::CLUB_ROLE_COMMITTEE;
  CHECK(trust_of({}, officer, start, 24).level == 4);
  for (const auto language : {v1::LANGUAGE_FR, v1::LANGUAGE_EN}) {
    CHECK(explain(trust_of({.accepted = 3, .since_ms = start - day}, member, start, 24), language)
              .find("14") != std::string::npos);
  }
}

TEST_CASE("a newcomer may link twice in a message, and is told which link is too many") {
  Talk talk;
  const std::string body = "voir https://a.example.org https://b.example.org https://c.example.org";
  const auto held = talk.judge_only(Talk::newcomer(1), body);
  CHECK(held.action == Action::hold);
  REQUIRE(first_rule(held) == "spam.links");
  const auto& finding = held.why.findings(0);
  CHECK(finding.counter() == 3);
  CHECK(finding.limit() == 2);
  CHECK(body.substr(finding.span_begin(), finding.span_end() - finding.span_begin()) ==
        "https://c.example.org");
  CHECK(finding.text_fr().find("2") != std::string::npos);
  CHECK(!finding.text_en().empty());
  CHECK(!held.why.appeal_fr().empty());
  CHECK(first_rule(talk.judge_only(Talk::known(1, 2), body)).empty());
}

TEST_CASE("each way to fool the reader is held for newcomers and passes when written plainly") {
  struct Case {
    std::string_view body, rule;
  };
  for (const auto& [body, rule] : std::vector<Case>{
           {"regardez http://pаypal.com/compte", "spam.link.lookalike"},
           {"regardez https://banque.example.org@voleur.example/", "spam.link.user"},
           {"оffrе frее dе mоn аmi pоur tоi", "spam.disguise"},
       }) {
    CAPTURE(body);
    const auto verdict = Talk().judge_only(Talk::newcomer(1), body);
    CHECK(verdict.action == Action::hold);
    bool found = false;
    for (const auto& finding : verdict.why.findings()) found |= finding.rule_id() == rule;
    CHECK(found);
  }
  CHECK(Talk().judge_only(Talk::newcomer(1), "Bonjour à tous, ravi de vous rejoindre !").action ==
        Action::allow);
}

TEST_CASE("naming many people at once is refused") {
  Talk talk;
  auto c = Talk::newcomer(1);
  c.mentions = 4;
  CHECK(talk.judge_only(c, "bonjour").action == Action::refuse);
  c = Talk::known(1, 1);
  c.mentions = 10;
  CHECK(talk.judge_only(c, "bonjour").action == Action::allow);
  c.mentions = 11;
  CHECK(first_rule(talk.judge_only(c, "bonjour")) == "spam.mentions");
}

TEST_CASE("naming people in many messages has an hour's bucket") {
  Talk talk;
  auto c = Talk::known(1, 1);
  c.mentions = 10;
  for (int i = 0; i < 4; ++i) {
    CHECK(talk.say(c, "bonjour à tous les dix").action == Action::allow);
    talk.now += 1'000;
  }
  CHECK(first_rule(talk.judge_only(c, "bonjour à tous les dix")) == "spam.rate.mentions");
  c.mentions = 0;
  CHECK(talk.judge_only(c, "bonjour").action == Action::allow);
  auto regular = Talk::known(1, 2);
  regular.mentions = 10;
  CHECK(talk.judge_only(regular, "bonjour à tous les dix").action == Action::allow);
  talk.now += 3'600'000;
  c.mentions = 10;
  CHECK(talk.judge_only(c, "bonjour à tous les dix").action == Action::allow);
}

TEST_CASE("what was found out about a name is kept until somebody's membership changes") {
  Memory memory(Rules::standard().limits());
  CHECK(!memory.apes_officer(1));
  memory.note_name(1, true);
  CHECK(memory.apes_officer(1) == true);
  v1::Event event;
  event.mutable_message_posted()->set_room_id(1);
  memory.apply(event, {});
  CHECK(memory.apes_officer(1) == true);
  event.mutable_member_changed();
  memory.apply(event, {});
  CHECK(!memory.apes_officer(1));
}

TEST_CASE("a memory that was loaded anew judges as one that was there all the while") {
  constexpr std::string_view bodies[] = {
      "La réunion de jeudi est déplacée au local du centre, merci de prévenir les absents",
      "Le voyage à Lyon coûte moins que prévu, écrivez-moi avant vendredi pour une place"};
  Talk whole;
  whole.say(Talk::known(1, 1), bodies[0]);
  whole.now += 4 * 3'600'000;  // longer than anything is remembered
  Talk loaded;
  loaded.now = whole.now;
  for (const std::uint64_t account : {2, 3}) {
    for (const auto body : bodies) {
      const auto there = whole.say(Talk::known(account, 1), body);
      const auto anew = loaded.say(Talk::known(account, 1), body);
      CHECK(there.record.SerializeAsString() == anew.record.SerializeAsString());
    }
    whole.now = loaded.now += 1'000;
  }
}

TEST_CASE("advertising has a quota of its own") {
  Talk talk;
  auto c = Talk::known(1, 2);
  constexpr std::string_view body = "Promotion : mes services de traduction à 30 € la page";
  CHECK(talk.judge_only(c, body).action == Action::allow);
  c.adverts_lately = 1;
  CHECK(first_rule(talk.judge_only(c, body)) == "spam.advert");
  CHECK(talk.judge_only(Talk::newcomer(2), body).action == Action::hold);
}

TEST_CASE("the third author of one text is held, a trusted one is only told") {
  Talk talk;
  constexpr std::string_view body =
      "La réunion de jeudi est déplacée au local du centre, merci de prévenir les absents";
  CHECK(talk.say(Talk::known(1, 1), body).action == Action::allow);
  talk.now += 1'000;
  CHECK(talk.say(Talk::known(2, 1), body).action == Action::allow);
  talk.now += 1'000;
  CHECK(first_rule(talk.judge_only(Talk::known(3, 1), body)) == "spam.duplicate");
  CHECK(talk.judge_only(Talk::known(3, 1), body).action == Action::hold);
  CHECK(talk.judge_only(Talk::known(3, 2), body).action == Action::nudge);
  // What was said in other clubs counts as well.
  Talk elsewhere;
  auto c = Talk::known(1, 1);
  c.elsewhere = 2;
  CHECK(elsewhere.judge_only(c, body).action == Action::hold);
  // Ten minutes later it is a text like any other.
  talk.now += 11 * 60'000;
  CHECK(talk.judge_only(Talk::known(4, 1), body).action == Action::allow);
}

TEST_CASE("saying the same a third time within minutes is refused; short answers never are") {
  Talk talk;
  constexpr std::string_view body = "Qui peut me prêter un projecteur pour samedi soir ?";
  CHECK(talk.say(Talk::known(1, 1), body).action == Action::allow);
  CHECK(talk.say(Talk::known(1, 1), body).action == Action::allow);
  CHECK(first_rule(talk.say(Talk::known(1, 1), body)) == "spam.duplicate.own");
  for (int i = 0; i < 10; ++i)
    CHECK(talk.say(Talk::known(2, 1), "merci !").action == Action::allow);
}

TEST_CASE("a flood is accepted up to its bucket exactly") {
  Talk talk;
  std::uint32_t accepted = 0;
  for (int i = 0; i < 1'000; ++i) {  // 100 a second for ten seconds
    accepted += talk.say(Talk::known(1, 2), std::to_string(i)).action != Action::refuse;
    talk.now += 10;
  }
  const auto rate = talk.rules.limits().member_posts_per_minute;
  CHECK(accepted >= rate + rate / 6 - 1);
  CHECK(accepted <= rate + rate / 6 + 1);
  const auto refused = talk.judge_only(Talk::known(1, 2), "encore");
  CHECK(refused.retry_after_ms > 0);
  CHECK(refused.retry_after_ms <= 60'000 / rate + 1);
}

TEST_CASE("newcomers behind one address share a bucket") {
  Talk talk(rules_of("version = 1\n[limits]\naddress_newcomer_posts_per_hour = 5\n"));
  for (std::uint64_t account = 1; account <= 5; ++account) {
    auto c = Talk::newcomer(account);
    c.address = 77;
    CHECK(talk.say(c, "bonjour").action == Action::allow);
  }
  auto c = Talk::newcomer(6);
  c.address = 77;
  CHECK(first_rule(talk.judge_only(c, "bonjour")) == "spam.rate.address");
  c.address = 78;
  CHECK(talk.judge_only(c, "bonjour").action == Action::allow);
  auto member = Talk::known(7, 1);
  member.address = 77;
  CHECK(talk.judge_only(member, "bonjour").action == Action::allow);
}

TEST_CASE("the third held message of a newcomer makes them quiet for ten minutes, and no longer") {
  Talk talk;
  CHECK(talk.say(Talk::newcomer(1), "https://un.fr https://deux.be https://trois.ch").action ==
        Action::hold);
  CHECK(talk.say(Talk::newcomer(1), "voyez lune.com et soleil.net puis terre.org").action ==
        Action::hold);
  const auto muted =
      talk.say(Talk::newcomer(1), "aussi www.pomme.qc.ca www.poire.qc.ca www.cerise.qc.ca");
  CHECK(muted.action == Action::mute);
  CHECK(muted.quiet_until_ms == talk.now + 600'000);
  const auto refused = talk.judge_only(Talk::newcomer(1), "bonjour");
  CHECK(first_rule(refused) == "spam.quiet");
  CHECK(refused.retry_after_ms == 600'000);
  talk.now += 600'000;
  CHECK(talk.judge_only(Talk::newcomer(1), "bonjour").action == Action::allow);
}

TEST_CASE("an officer's work is no flood and no spam") {
  Talk talk;
  for (int i = 0; i < 30; ++i) {
    auto c = Talk::known(1, 4);
    c.mentions = 20;
    CHECK(
        talk.say(c, "Rappel : l'assemblée générale aura lieu demain soir, venez nombreux").action ==
        Action::allow);
    talk.now += 2'000;
  }
}

TEST_CASE("an edit is judged by its words and takes nothing from the buckets") {
  Talk talk(rules_of("version = 1\n[limits]\nmember_posts_per_minute = 1\n"));
  CHECK(talk.say(Talk::known(1, 1), "bonjour").action == Action::allow);
  auto c = Talk::known(1, 1);
  c.edit = true;
  CHECK(talk.judge_only(c, "bonsoir").action == Action::allow);
  CHECK(talk.judge_only(c, "regardez http://pаypal.com/compte").action == Action::hold);
}

TEST_CASE("a club's own rules: words, patterns and hosts, by version, over what the reader reads") {
  const Rules rules = rules_of(R"(
version = 7
[[words]]
id = "casino"
words = ["casino en ligne", "crypto*", "*coin"]
fr = "Pas de jeux ici."
en = "No gambling here."
[[patterns]]
id = "phone"
pattern = '\b0[67]( ?\d\d){4}\b'
action = "nudge"
below_trust = 2
[[hosts]]
id = "shorteners"
hosts = ["bit.ly"]
action = "refuse"
)");
  Talk talk(rules);
  struct Case {
    std::string_view body, rule, span;
  };
  for (const auto& [body, rule, span] : std::vector<Case>{
           {"Un Casino en Ligne gratuit", "rule.casino", "Casino en Ligne"},
           {"la сrурtоmоnnаіе", "rule.casino", "сrурtо"},
           {"le bitcoin", "rule.casino", "coin"},
           {"c a s i n o  e n  l i g n e", "rule.casino", "c a s i n o  e n  l i g n e"},
           {"appelle le 06 12 34 56 78", "rule.phone", "06 12 34 56 78"},
           {"https://bit.ly/x", "rule.shorteners", "https://bit.ly/x"},
           {"https://www.bit.ly/x", "rule.shorteners", "https://www.bit.ly/x"},
           {"https://rabbit.ly/x", "", ""},
           {"un coincoin", "rule.casino", "coin"},
           {"casino", "", ""},
       }) {
    CAPTURE(body);
    const auto verdict = talk.judge_only(Talk::known(1, 1), body);
    bool found = rule.empty();
    for (const auto& finding : verdict.why.findings()) {
      if (rule.empty()) CHECK(!finding.rule_id().starts_with("rule."));
      if (finding.rule_id() != rule) continue;
      found = true;
      CHECK(finding.rule_version() == 7);
      CHECK(body.substr(finding.span_begin(), finding.span_end() - finding.span_begin()) == span);
    }
    CHECK(found);
  }
  CHECK(talk.judge_only(Talk::known(1, 2), "appelle le 06 12 34 56 78").action == Action::allow);
  CHECK(talk.judge_only(Talk::known(1, 1), "casino en ligne").why.findings(0).text_fr() ==
        "Pas de jeux ici.");
}

TEST_CASE("a rules file is hostile until it is parsed") {
  const std::string deep(2'000, '[');
  for (const std::string& toml : std::vector<std::string>{
           "",
           "version = 0",
           "version = \"1\"",
           "x = 1\nversion = 1",
           "version = 1\n[[words]]",
           "version = 1\n[[words]]\nid = \"a\"\nwords = []\naction = \"mute\"",
           "version = 1\n[[words]]\nid = \"A b\"\nwords = [\"xx\"]",
           "version = 1\n[[words]]\nid = \"a\"\nwords = [\"xx\"]\n[[hosts]]\nid = \"a\"\nhosts = "
           "[\"a.b\"]",
           "version = 1\n[[words]]\nid = \"a\"\nwords = [\"*\"]",
           "version = 1\n[[words]]\nid = \"a\"\nwords = [1]",
           "version = 1\n[[patterns]]\nid = \"a\"\npattern = '('",
           "version = 1\n[[patterns]]\nid = \"a\"\npattern = '(a|b){900}'",
           "version = 1\n[[patterns]]\nid = \"a\"\npattern = '(?=a)'",
           "version = 1\n[[hosts]]\nid = \"a\"\nhosts = [\"localhost\"]",
           "version = 1\n[limits]\nnewcomer_links = -1",
           "version = 1\n[limits]\nno_such = 1",
           "version = 1\n[protected]\nhosts = 3",
           deep,
           std::string("version = 1\n\xff"),
           std::string(limits::antispam_rules_bytes + 1, ' '),
           std::string("a\0b", 3)}) {
    CAPTURE(toml.substr(0, 80));
    CHECK(!Rules::parse(filter().folding(), toml));
  }
  CHECK(Rules::parse(filter().folding(), "version = 1"));
}

TEST_CASE("the same text, circumstances and memory give the same verdict, byte for byte") {
  Talk a, b;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto c = Talk::newcomer(1 + mix(i) % 7);
    const std::string body = mix(i) % 5 == 0
                                 ? "Gagnez 500 € par jour, contactez-moi vite sur http://x.example"
                                 : "bonjour " + std::to_string(mix(i) % 1'000);
    const auto one = a.say(c, body);
    const auto two = b.say(c, body);
    REQUIRE(one.record.SerializeAsString() == two.record.SerializeAsString());
    REQUIRE(one.why.SerializeAsString() == two.why.SerializeAsString());
    a.now += static_cast<std::int64_t>(mix(i) % 9'000);
    b.now = a.now;
  }
}

TEST_CASE("every sentence exists in both languages and says what would pass") {
  v1::Why why;
  for (const char* rule :
       {"spam.quiet", "spam.rate.member", "spam.rate.newcomer", "spam.rate.room", "spam.rate.club",
        "spam.rate.address", "spam.rate.links", "spam.rate.mentions", "spam.links",
        "spam.links.host", "spam.link.lookalike", "spam.link.user", "spam.mentions",
        "spam.disguise", "spam.advert", "spam.duplicate", "spam.duplicate.own", "spam.score",
        "spam.name"}) {
    v1::Finding& finding = *why.add_findings();
    finding.set_rule_id(rule);
    finding.set_counter(4);
    finding.set_limit(3);
  }
  add_sentences(Rules::standard(), why, {});
  for (const v1::Finding& finding : why.findings()) {
    CAPTURE(finding.rule_id());
    CHECK(!finding.text_fr().empty());
    CHECK(!finding.text_en().empty());
    CHECK(finding.text_fr().find('{') == std::string::npos);
    CHECK(finding.text_en().find('{') == std::string::npos);
  }
}

TEST_CASE("the shipped model is the one that was judged") {
  std::string digest;
  for (const char c : auth::digest(Model::shipped_file())) {
    constexpr std::string_view digits = "0123456789abcdef";
    digest += digits[static_cast<unsigned char>(c) >> 4];
    digest += digits[static_cast<unsigned char>(c) & 15];
  }
  CHECK(digest == "bc6c4c3a131054449ad9191dc6aca09fef1ec94237cb9ad1ec1c49418aae45d0");
  CHECK(Model::shipped_file().size() < 1024 * 1024);
  const auto model = Model::read(Model::shipped_file());
  REQUIRE(model);
  CHECK(model->version() == 2);
  CHECK(model->write() == Model::shipped_file());
  CHECK(!Model::read(Model::shipped_file().substr(1)));
  CHECK(!Model::read(""));
  std::string other(Model::shipped_file());
  other[8] = 9;
  CHECK(!Model::read(other));
}

TEST_CASE("teaching repeats itself, and learns") {
  std::vector<Example> examples;
  for (int i = 0; i < 60; ++i) {
    examples.push_back({"gagnez vite de l'argent numero " + std::to_string(i), true});
    examples.push_back({"la reunion du comite aura lieu " + std::to_string(i), false});
  }
  const Trainer trainer(filter().folding());
  const Model model = trainer.train(examples, 3, true);
  CHECK(model.write() == trainer.train(examples, 3, true).write());
  const Filter taught(model);
  const auto rules = Rules::standard();
  CHECK(taught.read(rules, "gagnez de l'argent").score.margin >
        taught.read(rules, "reunion du comite").score.margin);
}

}  // namespace
}  // namespace amicale::domain::antispam
