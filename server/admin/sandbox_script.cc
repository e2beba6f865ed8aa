// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/sandbox_script.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace amicale::admin {
namespace {

struct Line {
  std::string_view fr, en;
  std::string_view in(v1::Language language) const { return language == v1::LANGUAGE_EN ? en : fr; }
};

constexpr std::size_t kRegulars = 6;
constexpr auto kPeople = std::to_array<SandboxPerson>({
    {"alix", "Alix (essai)", false},
    {"bruno", "Bruno (essai)", false},
    {"celine", "Céline (essai)", false},
    {"dara", "Dara (essai)", false},
    {"emile", "Émile (essai)", false},
    {"farida", "Farida (essai)", false},
    {"gus", "Gus (essai)", true},
    {"hana", "Hana (essai)", true},
    {"igor", "Igor (essai)", true},
    {"june", "June (essai)", true},
    {"kim", "Kim (essai)", true},
    {"leo", "Léo (essai)", true},
});

// Question and answer, so that what is said holds together.
constexpr auto kTalk = std::to_array<std::array<Line, 2>>({
    {{{"Quelqu'un sait où se tient la rencontre de jeudi?",
       "Does anybody know where Thursday's meeting is?"},
      {"À la bibliothèque, salle du fond. On commence à 18 h 30.",
       "At the library, the room at the back. We start at half past six."}}},
    {{{"J'ai mis les photos de la randonnée dans le dossier commun.",
       "I have put the pictures of the hike in the shared folder."},
      {"Merci! Celle du lac est superbe.", "Thank you! The one of the lake is superb."}}},
    {{{"Je cherche une personne qui a déjà changé de métier après trente ans.",
       "I am looking for somebody who changed professions after thirty."},
      {"Moi, il y a deux ans. Écris-moi quand tu veux.",
       "I did, two years ago. Write to me any time."}}},
    {{{"Le formulaire d'inscription ne s'ouvre pas chez moi.",
       "The registration form does not open for me."},
      {"Essaie avec un autre navigateur, ça a réglé le mien.",
       "Try another browser, that settled mine."}}},
    {{{"Est-ce qu'on apporte quelque chose à manger samedi?",
       "Are we bringing something to eat on Saturday?"},
      {"Une salade ou un dessert, le comité s'occupe du reste.",
       "A salad or a dessert, the committee takes care of the rest."}}},
    {{{"Un livre à recommander pour apprendre à parler en public?",
       "Any book to recommend on speaking in public?"},
      {"Plutôt qu'un livre, viens au cercle du mardi.",
       "Rather than a book, come to the Tuesday circle."}}},
    {{{"Bravo à l'équipe qui a préparé la soirée d'hier!",
       "Well done to the team that prepared last night!"},
      {"On recommence au printemps, les idées sont bienvenues.",
       "We do it again in spring, ideas are welcome."}}},
    {{{"Je serai en retard à l'atelier, gardez-moi une place.",
       "I will be late for the workshop, keep me a seat."},
      {"C'est noté, troisième rangée.", "Noted, third row."}}},
});

constexpr auto kOffers = std::to_array<Line>({
    {"des montres de marque à moitié prix", "brand watches at half the price"},
    {"une formation qui double votre salaire en un mois",
     "a course that doubles your pay in a month"},
    {"un crédit sans aucune vérification", "a loan without any verification"},
    {"des abonnés garantis pour votre page", "guaranteed followers for your page"},
});
// {} is the offer.
constexpr auto kPitches = std::to_array<Line>({
    {"Bonjour à vous, j'ai trouvé {} : tout est sur bonne-affaire.example, faites vite!",
     "Hello everyone, I found {}: it is all on good-deal.example, be quick!"},
    {"Dernier jour pour profiter de {}, demandez-moi le lien bonne-affaire.example",
     "Last day to get {}, ask me for the link good-deal.example"},
    {"N'hésitez plus!!! {} vous attend, écrivez à Gus sur bonne-affaire.example",
     "Wait no longer!!! {} is there for you, write to Gus on good-deal.example"},
    {"Mes amis ont déjà essayé {} et ne le regrettent pas : bonne-affaire.example",
     "My friends have tried {} already and do not regret it: good-deal.example"},
});

constexpr auto kQuarrel = std::to_array<Line>({
    {"Encore toi. On pourrait avoir une discussion sans tes leçons?",
     "You again. Could we have one discussion without your lectures?"},
    {"Je donnais seulement mon avis.", "I was only giving my opinion."},
    {"Ton avis ne vaut rien, et tout le monde ici le pense. Tais-toi donc.",
     "Your opinion is worth nothing, and everybody here thinks so. Be quiet for once."},
    {"C'est blessant, ce que tu écris.", "What you write is hurtful."},
});

constexpr auto kPrivacy = std::to_array<Line>({
    {"Pour ceux qui veulent dire à Céline ce qu'ils pensent : son numéro est le 555-0142, elle "
     "habite rue des Érables.",
     "For those who want to tell Céline what they think: her number is 555-0142, she lives on "
     "Maple Street."},
    {"Voici l'adresse de Farida, puisqu'elle ne répond pas ici : 12, rue Imaginaire. Allez sonner.",
     "Here is Farida's address, since she does not answer here: 12 Imaginary Street. Go and ring."},
});

constexpr auto kFlood = std::to_array<Line>({
    {"regardez", "look"},
    {"hé ho", "hey"},
    {"quelqu'un?", "anybody?"},
    {"répondez-moi", "answer me"},
    {"allez", "come on"},
    {"c'est long", "so slow"},
    {"je continue", "I go on"},
    {"toujours là", "still here"},
});

constexpr auto kRaid = std::to_array<Line>({
    {"Tout le monde quitte ce club pour le nôtre, venez sur grand-rassemblement.example",
     "Everybody is leaving this club for ours, come to the-great-gathering.example"},
    {"Votre comité vous cache la vérité, tout est dit sur grand-rassemblement.example",
     "Your committee hides the truth from you, it is all told on the-great-gathering.example"},
});
constexpr auto kRaidTails =
    std::to_array<std::string_view>({"", "!", " !!!", " :)", " ...", " 1", " 22", " 333"});

constexpr auto kReports = std::to_array<Line>({
    {"Cela revient sans arrêt.", "This comes again and again."},
    {"Je ne suis pas à l'aise avec cela.", "I am not comfortable with this."},
    {"Pouvez-vous regarder, s'il vous plaît?", "Could you have a look, please?"},
});

constexpr auto kAppeals = std::to_array<Line>({
    {"Je ne savais pas que c'était interdit ici. Je ne recommencerai pas.",
     "I did not know that this is forbidden here. I will not do it again."},
    {"Ce n'était qu'une plaisanterie, tout le monde l'a compris sauf vous.",
     "It was only a joke, everybody understood but you."},
    {"On a lu mon message de travers : relisez-le, je répondais à quelqu'un.",
     "My message was misread: read it again, I was answering somebody."},
});

// SplitMix64 (Steele, Lea and Flood, 2014).
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(below(most - least + 1));
  }

 private:
  std::uint64_t state_;
};

// Lives for one play.
class Playwright {
 public:
  Playwright(v1::Language language, std::uint64_t seed) : language_(language), chance_(seed) {}

  std::vector<SandboxStep> write() {
    talk(3);
    advertising();
    talk(1);
    quarrel();
    talk(1);
    privacy();
    flood();
    talk(1);
    raid();
    talk(1);
    return std::move(steps_);
  }

 private:
  std::size_t say(std::size_t person, std::string text, std::uint32_t least_ms,
                  std::uint32_t most_ms) {
    SandboxStep& step = steps_.emplace_back();
    step.person = person;
    step.text = std::move(text);
    step.pause_ms = chance_.between(least_ms, most_ms);
    return steps_.size() - 1;
  }
  std::size_t say(std::size_t person, const Line& line) {
    return say(person, std::string(line.in(language_)), 4'000, 12'000);
  }
  void report(std::size_t person, std::size_t about, v1::ReasonCode reason) {
    SandboxStep& step = steps_.emplace_back();
    step.kind = SandboxStep::Kind::report;
    step.person = person;
    step.text = std::string(kReports[chance_.below(kReports.size())].in(language_));
    step.pause_ms = chance_.between(5'000, 15'000);
    step.about = about;
    step.reason = reason;
  }
  // A regular other than `than`.
  std::size_t regular(std::size_t than = kRegulars) {
    const std::size_t person = chance_.below(kRegulars);
    return person == than ? (person + 1) % kRegulars : person;
  }

  void talk(int exchanges) {
    for (int i = 0; i < exchanges; ++i) {
      const auto& exchange = kTalk[(talked_++ + first_talk_) % kTalk.size()];
      const std::size_t asks = regular();
      say(asks, exchange[0]);
      say(regular(asks), exchange[1]);
    }
  }
  void advertising() {
    const std::size_t person = kRegulars;
    const auto offer = kOffers[chance_.below(kOffers.size())].in(language_);
    const std::size_t first = chance_.below(kPitches.size());
    std::size_t said = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      std::string pitch(kPitches[(first + i) % kPitches.size()].in(language_));
      pitch.replace(pitch.find("{}"), 2, offer);
      said = say(person, std::move(pitch), 6'000, 15'000);
      if (i == 1) talk(1);
    }
    report(regular(), said, v1::REASON_CODE_ADVERTISING);
  }
  void quarrel() {
    const std::size_t angry = regular();
    const std::size_t other = regular(angry);
    std::size_t insult = 0;
    for (std::size_t i = 0; i < kQuarrel.size(); ++i) {
      const std::size_t said = say(i % 2 == 0 ? angry : other, kQuarrel[i]);
      if (i == 2) insult = said;
    }
    report(other, insult, v1::REASON_CODE_INSULT);
  }
  void privacy() {
    const std::size_t said = say(kRegulars + 1, kPrivacy[chance_.below(kPrivacy.size())]);
    const std::size_t first = regular();
    report(first, said, v1::REASON_CODE_PRIVACY);
    report(regular(first), said, v1::REASON_CODE_HARASSMENT);
  }
  void flood() {
    const std::size_t person = kRegulars + 2;
    for (std::size_t i = 0; i < kFlood.size(); ++i) {
      say(person, std::string(kFlood[i].in(language_)), 600, 1'500);
    }
  }
  void raid() {
    const auto cry = kRaid[chance_.below(kRaid.size())].in(language_);
    for (std::size_t i = 0; i < 12; ++i) {
      const std::size_t person = kRegulars + i % (kPeople.size() - kRegulars);
      say(person, std::string(cry) + std::string(kRaidTails[chance_.below(kRaidTails.size())]), 300,
          900);
    }
  }

  v1::Language language_;
  Chance chance_;
  std::size_t talked_ = 0;
  const std::size_t first_talk_ = chance_.below(kTalk.size());
  std::vector<SandboxStep> steps_;
};

}  // namespace

std::vector<SandboxPerson> sandbox_people() { return {kPeople.begin(), kPeople.end()}; }

std::string sandbox_login(const SandboxPerson& person, std::string_view slug) {
  return std::string(person.name) + "." + std::string(slug);
}

std::vector<SandboxStep> sandbox_play(v1::Language language, std::uint64_t seed) {
  return Playwright(language, seed).write();
}

std::string sandbox_appeal(v1::Language language, std::uint64_t seed, std::size_t person) {
  Chance chance(seed + person);
  return std::string(kAppeals[chance.below(kAppeals.size())].in(language));
}

}  // namespace amicale::admin
