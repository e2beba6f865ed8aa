// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/judge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "server/domain/antispam/advertising.h"
#include "server/domain/limits.h"

namespace amicale::domain::antispam {
namespace {

constexpr std::int64_t quiet_ms = 600'000;  // "short mute": the time to read why, and to cool down
constexpr std::uint32_t holds_before_quiet = 2;
constexpr std::uint32_t no_words = 12;       // bytes of letters: "voir", "see this"
constexpr std::uint32_t few_words = 60;      // … a line
constexpr std::uint32_t honest_below = 200;  // thousandths
constexpr std::uint32_t disguises_held = 3;  // words: one or two may be a formula or a foreign name

v1::Verdict wire(Action action) {
  return static_cast<v1::Verdict>(std::to_underlying(action) + v1::VERDICT_ALLOW);
}

struct Sentence {
  std::string_view rule_id;
  std::string_view fr, en;
};

// {counter}, {limit} and {minutes} are filled in.
constexpr auto sentences = std::to_array<Sentence>({
    {"spam.quiet", "Vous ne pouvez pas écrire pendant encore {minutes} min.",
     "You can’t write for another {minutes} min."},
    {"spam.rate.member", "Vous écrivez très vite ; réessayez dans un instant.",
     "You are writing very fast; try again in a moment."},
    {"spam.rate.newcomer",
     "Les nouveaux membres peuvent écrire {limit} messages par heure ; réessayez dans {minutes} "
     "min.",
     "New members may write {limit} messages an hour; try again in {minutes} min."},
    {"spam.rate.room", "Ce salon reçoit trop de messages à la fois ; réessayez dans un instant.",
     "This room gets too many messages at once; try again in a moment."},
    {"spam.rate.club", "Ce club reçoit trop de messages à la fois ; réessayez dans un instant.",
     "This club gets too many messages at once; try again in a moment."},
    {"spam.rate.address",
     "Beaucoup de nouveaux membres écrivent de la même adresse réseau ; réessayez dans {minutes} "
     "min.",
     "Many new members are writing from the same network address; try again in {minutes} min."},
    {"spam.rate.links", "Vous avez partagé beaucoup de liens ; réessayez dans {minutes} min.",
     "You have shared many links; try again in {minutes} min."},
    {"spam.rate.mentions", "Vous avez nommé beaucoup de personnes ; réessayez dans {minutes} min.",
     "You have named many people; try again in {minutes} min."},
    {"spam.links",
     "Votre message contient {counter} liens ; {limit} passent pour un nouveau membre.",
     "Your message has {counter} links; {limit} pass for a new member."},
    {"spam.links.host",
     "Vous avez partagé {counter} fois le même site en une heure ; au-delà de {limit}, cela peut "
     "passer "
     "pour de la publicité.",
     "You have shared the same site {counter} times in an hour; above {limit}, it may look like "
     "advertising."},
    {"spam.link.lookalike",
     "Ce lien imite l’adresse d’un autre site par des caractères qui se ressemblent. Écrivez "
     "l’adresse véritable.",
     "This link imitates another site’s address by look-alike characters. Write the real address."},
    {"spam.link.user",
     "Ce lien montre un site avant « @ » et mène à un autre. Écrivez l’adresse où il mène.",
     "This link shows one site before “@” and leads to another. Write the address that it leads "
     "to."},
    {"spam.mentions", "Votre message nomme {counter} personnes ; {limit} passent.",
     "Your message names {counter} people; {limit} pass."},
    {"spam.disguise",
     "Des mots de votre message sont écrits avec des caractères qui en imitent d’autres ou qui ne "
     "se voient pas. Écrits normalement, ils passent.",
     "Words of your message use characters that imitate others or can’t be seen. Written plainly, "
     "they pass."},
    {"spam.advert",
     "Cette annonce serait votre {counter}e en 30 jours ; {limit} passe. Les nouveaux membres "
     "demandent d’abord au comité.",
     "This would be your advertisement number {counter} in 30 days; {limit} passes. New members "
     "ask "
     "the committee first."},
    {"spam.duplicate",
     "{counter} personnes viennent d’écrire presque le même texte. Avec vos propres mots, il "
     "passe.",
     "{counter} people have just written nearly the same text. In your own words, it passes."},
    {"spam.duplicate.own",
     "Vous avez déjà écrit cela {counter} fois ; moins de {limit} fois en quelques minutes "
     "passent.",
     "You have already written this {counter} times; fewer than {limit} times within minutes "
     "pass."},
    {"spam.score",
     "Votre message ressemble à des messages indésirables ({counter} sur 1000 ; moins de {limit} "
     "passe). Une personne du comité va le lire.",
     "Your message resembles unwanted messages ({counter} of 1000; below {limit} passes). Someone "
     "of the committee will read it."},
    {"spam.name", "Votre nom se lit comme celui d’un membre du comité. Choisissez-en un autre.",
     "Your name is read as that of a committee member. Choose another one."},
});

constexpr std::string_view appeal_fr =
    "Si c’est une erreur, le comité du club peut publier le message ou répondre à votre demande.";
constexpr std::string_view appeal_en =
    "If this is a mistake, the club’s committee can release the message or answer your request.";

std::string filled(std::string_view sentence, const v1::Finding& finding) {
  std::string out;
  for (std::size_t at = 0; at < sentence.size();) {
    const auto open = sentence.find('{', at);
    out += sentence.substr(at, open - at);
    if (open == std::string_view::npos) break;
    const auto close = sentence.find('}', open);
    const std::string_view name = sentence.substr(open + 1, close - open - 1);
    if (name == "counter") {
      out += std::to_string(finding.counter());
    } else if (name == "limit") {
      out += std::to_string(finding.limit());
    } else {
      out += std::to_string((std::uint64_t{finding.retry_after_ms()} + 59'999) / 60'000);
    }
    at = close + 1;
  }
  return out;
}

// Bytes of letters and digits that stand outside every link.
std::uint32_t letters_outside(std::string_view body, const std::vector<Link>& links) {
  std::uint32_t letters = 0;
  auto link = links.begin();
  for (std::uint32_t at = 0; at < body.size(); ++at) {
    while (link != links.end() && link->span.end <= at) ++link;
    if (link != links.end() && link->span.begin <= at) continue;
    const char c = body[at];
    letters += is_word_byte(c >= 'A' && c <= 'Z' ? 'a' : c);
  }
  return letters;
}

// Collects findings; the heaviest decides.
class Findings {
 public:
  explicit Findings(v1::Why& why) : why_(why) {}

  struct Detail {
    Span span{};
    std::uint64_t counter = 0;
    std::uint64_t limit = 0;
    std::uint32_t retry_after_ms = 0;
    std::uint32_t version = pipeline_version;
  };
  void add(std::string_view rule_id, Action action, Detail detail) {
    heaviest_ = std::max(heaviest_, action);
    if (static_cast<std::uint32_t>(why_.findings_size()) >= limits::antispam_findings) return;
    v1::Finding& finding = *why_.add_findings();
    finding.set_rule_id(std::string(rule_id));
    finding.set_rule_version(detail.version);
    finding.set_verdict(wire(action));
    finding.set_span_begin(detail.span.begin);
    finding.set_span_end(detail.span.end);
    finding.set_counter(detail.counter);
    finding.set_limit(detail.limit);
    finding.set_retry_after_ms(detail.retry_after_ms);
  }
  Action heaviest() const { return heaviest_; }

 private:
  v1::Why& why_;
  Action heaviest_ = Action::allow;
};

void judge_rate(const Circumstances& c, const Limits& allowed, const Memory& memory,
                const Reading& reading, std::uint32_t trust, Findings& findings) {
  const auto author = c.actor.account_id;
  const auto refuse = [&](std::string_view rule, Memory::Room room, std::uint64_t limit) {
    if (room.retry_after_ms == 0) return;
    findings.add(rule, Action::refuse,
                 {.counter = limit + 1, .limit = limit, .retry_after_ms = room.retry_after_ms});
  };
  const std::int64_t quiet = memory.quiet_until_ms(author);
  if (quiet > c.now_ms) {
    findings.add("spam.quiet", Action::refuse,
                 {.retry_after_ms = static_cast<std::uint32_t>(quiet - c.now_ms)});
  }
  if (c.edit) return;
  refuse("spam.rate.member", memory.member_minute(author, c.now_ms),
         allowed.member_posts_per_minute);
  refuse("spam.rate.room", memory.room_minute(c.room_id, c.now_ms), allowed.room_posts_per_minute);
  refuse("spam.rate.club", memory.club_minute(c.now_ms), allowed.club_posts_per_minute);
  if (trust == 0) {
    refuse("spam.rate.newcomer", memory.newcomer_hour(author, c.now_ms),
           allowed.newcomer_posts_per_hour);
    if (c.address != 0) {
      refuse("spam.rate.address", memory.address_hour(c.address, c.now_ms),
             allowed.address_newcomer_posts_per_hour);
    }
  }
  const auto links =
      static_cast<std::uint32_t>(std::ranges::count_if(reading.links, &Link::certain));
  if (trust < 2 && links != 0) {
    refuse("spam.rate.links", memory.links_hour(author, c.now_ms, links), allowed.links_per_hour);
  }
  if (trust < 2 && c.mentions != 0) {
    refuse("spam.rate.mentions", memory.mentions_hour(author, c.now_ms, c.mentions),
           allowed.mentions_per_hour);
  }
}

void judge_links(const Circumstances& c, const Rules& rules, const Memory& memory,
                 const Reading& reading, std::uint32_t trust, Findings& findings) {
  const Limits& allowed = rules.limits();
  const auto links =
      static_cast<std::uint32_t>(std::ranges::count_if(reading.links, &Link::certain));
  if (trust == 0 && links > allowed.newcomer_links) {
    std::uint32_t seen = 0;
    Span beyond;
    for (const Link& link : reading.links) {
      if (link.certain && ++seen == allowed.newcomer_links + 1) beyond = link.span;
    }
    // Many links among many honest words are a list of references: advice, no more.
    const bool doubtful = reading.letters < few_words || reading.score.thousandths >= honest_below;
    findings.add("spam.links", doubtful ? Action::hold : Action::nudge,
                 {.span = beyond, .counter = links, .limit = allowed.newcomer_links});
  }
  const Action trick = trust < 3 ? Action::hold : Action::nudge;
  for (const Link& link : reading.links) {
    bool imitates = !link.looks_like.empty();
    for (const std::string& host : rules.protected_hosts()) {
      imitates |= !host_matches(link.host, host) &&
                  look_of_host(link.registrable) == look_of_host(registrable_domain(host));
    }
    if (imitates) findings.add("spam.link.lookalike", trick, {.span = link.span});
    if (link.user_info) findings.add("spam.link.user", trick, {.span = link.span});
    if (trust == 0 && link.certain && !c.edit) {
      const auto here = static_cast<std::uint32_t>(
          std::ranges::count(reading.links, link.registrable, &Link::registrable));
      const std::uint32_t times =
          memory.links_to(c.actor.account_id, hash_of(link.registrable), c.now_ms) + here;
      if (times > allowed.same_host_per_hour && &link == &reading.links.front()) {
        findings.add("spam.links.host", Action::nudge,
                     {.span = link.span, .counter = times, .limit = allowed.same_host_per_hour});
      }
    }
  }
}

void judge_text(const Circumstances& c, const Rules& rules, const Reading& reading,
                std::uint32_t trust, Findings& findings) {
  const Limits& allowed = rules.limits();
  for (const Rules::Hit& hit : reading.hits) {
    const Rule& rule = rules.rules()[hit.rule];
    if (trust >= rule.below_trust) continue;
    findings.add("rule." + rule.id, rule.action, {.span = hit.span, .version = rules.version()});
  }
  const std::uint32_t disguised = reading.disguises.invisible + reading.disguises.mixed_words;
  if (trust < 2 && disguised >= disguises_held) {
    findings.add("spam.disguise", Action::hold,
                 {.counter = disguised, .limit = disguises_held - 1});
  }
  if (reading.advert && trust < 4) {
    const std::uint32_t count = c.adverts_lately + 1;
    const std::uint32_t quota = trust == 0 ? 0 : allowed.adverts_per_30_days;
    if (count > quota) {
      findings.add("spam.advert", Action::hold,
                   {.span = *reading.advert, .counter = count, .limit = quota});
    }
  }
  const std::uint32_t bound =
      trust == 0 ? allowed.hold_thousandths : allowed.hold_known_thousandths;
  // A link without words says nothing that the score could judge.
  const bool wordless = !reading.links.empty() && reading.letters < no_words;
  if (trust < 2 && bound < 1'000 && !wordless && reading.score.thousandths >= bound) {
    findings.add("spam.score", Action::hold,
                 {.counter = reading.score.thousandths, .limit = bound});
  }
}

void judge_duplicates(const Circumstances& c, const Limits& allowed,
                      const RecentTexts::Count& count, std::uint32_t trust, Findings& findings) {
  const std::uint32_t authors = count.authors + c.elsewhere + 1;
  if (allowed.duplicate_authors != 0 && authors >= allowed.duplicate_authors) {
    findings.add("spam.duplicate", trust < 2 ? Action::hold : Action::nudge,
                 {.counter = authors, .limit = allowed.duplicate_authors - 1});
  }
  if (!c.edit && allowed.duplicate_own != 0 && count.own + 1 >= allowed.duplicate_own) {
    findings.add("spam.duplicate.own", trust < 3 ? Action::refuse : Action::nudge,
                 {.counter = count.own, .limit = allowed.duplicate_own - 1});
  }
}

}  // namespace

Filter::Filter() {
  auto shipped = Model::read(Model::shipped_file());
  if (shipped) model_ = *std::move(shipped);
}

Filter::Filter(Model model) : model_(std::move(model)) {}

Reading Filter::read(const Rules& rules, std::string_view body) const {
  const NormalText text(folding_, body);
  Reading reading;
  reading.links = find_links(folding_, text, body, limits::antispam_links);
  reading.hits = rules.find(text, reading.links);
  reading.disguises = text.disguises();
  reading.sketch = sketch_of(text);
  reading.advert = find_advert(text, reading.links);
  reading.rules_version = rules.version();
  reading.model_version = model_.version();
  reading.letters = letters_outside(body, reading.links);
  if (!model_.empty()) {
    Features features;
    features.extract(text, body, reading.links.size());
    reading.score = model_.score(features);
  }
  return reading;
}

Verdict judge(const Rules& rules, const Reading& reading, const Circumstances& c,
              const Memory& memory) {
  Verdict verdict;
  const Limits& allowed = rules.limits();
  verdict.trust = trust_of(c.standing, c.actor, c.now_ms, allowed.newcomer_hours);
  const std::uint32_t trust = verdict.trust.level;
  v1::Why& why = verdict.why;
  Findings findings(why);

  judge_rate(c, allowed, memory, reading, trust, findings);
  const std::uint32_t named = trust == 0 ? allowed.newcomer_mentions : allowed.member_mentions;
  if (trust < 4 && c.mentions > named) {
    findings.add("spam.mentions", Action::refuse, {.counter = c.mentions, .limit = named});
  }
  if (c.apes_officer && trust < 4) findings.add("spam.name", Action::hold, {});
  judge_links(c, rules, memory, reading, trust, findings);
  judge_text(c, rules, reading, trust, findings);
  RecentTexts::Count said;
  if (reading.sketch) {
    said = memory.texts().count(
        *reading.sketch, {.by = c.actor.account_id,
                          .since_ms = c.now_ms - std::int64_t{allowed.duplicate_minutes} * 60'000,
                          .alike_since_ms = c.now_ms - remembered_ms});
    if (trust < 4) judge_duplicates(c, allowed, said, trust, findings);
  }

  verdict.action = findings.heaviest();
  if (verdict.action == Action::hold && trust == 0 &&
      memory.held_lately(c.actor.account_id, c.now_ms) >= holds_before_quiet) {
    verdict.action = Action::mute;
    verdict.quiet_until_ms = c.now_ms + quiet_ms;
  }
  // The heaviest first; a handful, in their order otherwise.
  for (int i = 1; i < why.findings_size(); ++i) {
    for (int at = i; at > 0 && why.findings(at - 1).verdict() < why.findings(at).verdict(); --at) {
      why.mutable_findings()->SwapElements(at - 1, at);
    }
  }
  for (const v1::Finding& finding : why.findings()) {
    verdict.retry_after_ms = std::max(verdict.retry_after_ms, finding.retry_after_ms());
  }
  why.set_verdict(wire(verdict.action));
  why.set_trust(trust);

  store::SpamRecord& record = verdict.record;
  *record.mutable_why() = why;
  record.set_rules_version(reading.rules_version);
  record.set_model_version(reading.model_version);
  record.set_margin(std::llround(reading.score.margin * 1e6));
  record.set_score(reading.score.thousandths);
  if (reading.sketch) {
    record.set_sketch(reading.sketch->bytes());
    record.set_family(said.family);
  }
  for (const Link& link : reading.links) {
    if (link.certain) record.add_hosts(hash_of(link.registrable));
  }
  record.set_advert(reading.advert.has_value());
  record.set_address(c.address);
  record.set_elsewhere(c.elsewhere);
  record.set_role(c.actor.role);
  record.set_site_role(c.actor.site_role);
  record.set_accepted(c.standing.accepted);
  record.set_rejected(c.standing.rejected);
  record.set_vouched_by(c.standing.vouched_by);
  record.set_since_ms(c.standing.since_ms);
  record.set_mentions(c.mentions);
  record.set_adverts_lately(c.adverts_lately);
  record.set_apes_officer(c.apes_officer);
  if (verdict.action != Action::allow) add_sentences(rules, why, verdict.trust);
  return verdict;
}

namespace {
constexpr std::uint32_t could_be_spam = 300;  // thousandths
}

bool worth_comparing(const Reading& reading) {
  return std::ranges::any_of(reading.links, &Link::certain) || reading.advert ||
         reading.score.thousandths >= could_be_spam;
}

bool worth_comparing(const store::SpamRecord& record) {
  return record.hosts_size() != 0 || record.advert() || record.score() >= could_be_spam;
}

Circumstances recorded(const v1::Event& event, const store::SpamRecord& record) {
  Circumstances c;
  c.actor = {.account_id = event.actor(),
             .site_role = record.site_role(),
             .role = record.role(),
             .status = v1::MEMBER_STATUS_ACTIVE};
  c.standing = {.accepted = record.accepted(),
                .rejected = record.rejected(),
                .vouched_by = record.vouched_by(),
                .since_ms = record.since_ms()};
  c.now_ms = event.time_ms();
  c.mentions = record.mentions();
  c.adverts_lately = record.adverts_lately();
  c.address = record.address();
  c.elsewhere = record.elsewhere();
  c.apes_officer = record.apes_officer();
  switch (event.body_case()) {
    case v1::Event::kMessagePosted: c.room_id = event.message_posted().room_id(); break;
    case v1::Event::kMessageEdited:
      c.room_id = event.message_edited().room_id();
      c.edit = true;
      break;
    case v1::Event::kMessageHeld:
      c.room_id = event.message_held().room_id();
      c.edit = event.message_held().number() != 0;
      break;
    default: break;
  }
  return c;
}

void add_sentences(const Rules& rules, v1::Why& why, const Trust& trust) {
  for (v1::Finding& finding : *why.mutable_findings()) {
    const std::string_view id = finding.rule_id();
    if (id.starts_with("rule.")) {
      const auto rule = std::ranges::find(rules.rules(), id.substr(5), &Rule::id);
      const bool known = rule != rules.rules().end();
      finding.set_text_fr(known && !rule->fr.empty()
                              ? rule->fr
                              : "Les règles du club demandent d’éviter ce passage.");
      finding.set_text_en(
          known && !rule->en.empty() ? rule->en : "The club’s rules ask to avoid this passage.");
      continue;
    }
    const auto sentence = std::ranges::find(sentences, id, &Sentence::rule_id);
    if (sentence == sentences.end()) continue;
    finding.set_text_fr(filled(sentence->fr, finding));
    finding.set_text_en(filled(sentence->en, finding));
  }
  why.set_trust_fr(explain(trust, v1::LANGUAGE_FR));
  why.set_trust_en(explain(trust, v1::LANGUAGE_EN));
  why.set_appeal_fr(std::string(appeal_fr));
  why.set_appeal_en(std::string(appeal_en));
}

}  // namespace amicale::domain::antispam
