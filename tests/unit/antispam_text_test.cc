// SPDX-License-Identifier: AGPL-3.0-or-later
//
// How a text is read before it is judged: folding, spans, links, names, sketches.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "server/admin/irc_log.h"
#include "server/domain/antispam/advertising.h"
#include "server/domain/antispam/features.h"
#include "server/domain/antispam/links.h"
#include "server/domain/antispam/names.h"
#include "server/domain/antispam/normal_text.h"
#include "server/domain/antispam/obfuscation.h"
#include "server/domain/antispam/recent_texts.h"
#include "server/domain/text.h"

namespace amicale::domain::antispam {
namespace {

const Folding& folding() {
  static const Folding made;
  return made;
}

std::string plain(std::string_view body) { return NormalText(folding(), body).plain(); }

std::vector<Link> links(std::string_view body) {
  return find_links(folding(), NormalText(folding(), body), body, 64);
}

TEST_CASE("a disguised word is read as the word") {
  struct Case {
    std::string_view written, read;
  };
  for (const auto& [written, read] : std::vector<Case>{
           {"Félicitations", "felicitations"},
           {"FELICITATIONS", "felicitations"},
           {"Œuvre", "oeuvre"},
           {"ｆｒｅｅ", "free"},
           {"𝐟𝐫𝐞𝐞", "free"},
           {"frее", "free"},  // two Cyrillic letters
           {"ƒгее", "free"},
           {"ᴠɪᴀɢʀᴀ", "viagra"},
           {"f\u200br\u200be\u200be", "free"},
           {"f\u0336r\u0336e\u0336e\u0336", "free"},
           {"f r e e", "free"},
           {"f.r.e.e", "free"},
           {"f-r-e-e", "free"},
           {"fr33", "free"},
           {"c4sh", "cash"},
           {"ca$h", "cash"},
           {"CASINO EN LlGNE", "casino en ligne"},
           {"cIick here", "click here"},
           {"Il Illumine ALL", "il illumine all"},
           {"v1agra", "viagra"},
           {"F R 3 3", "free"},
           {"l’offre", "l'offre"},
       }) {
    CAPTURE(written);
    CHECK(plain(written) == read);
  }
}

TEST_CASE("what people write is left as it is") {
  for (const std::string_view text :
       {"rendez-vous a 18 h 30", "1 2 3 soleil", "a - b", "24 h", "2 000 euros", "bonjour @ada",
        "quoi ! non", "de 9 a 12", "a 5 $ la place", "qu'en dis-tu ?"}) {
    CAPTURE(text);
    CHECK(plain(text) == text);
  }
}

TEST_CASE("every part of the folded text leads back to the author's own") {
  const std::string body = "Gagnez du ｆｒｅｅ c a s h là";
  const NormalText text(folding(), body);
  const auto at = [&](std::string_view word) {
    const auto begin = text.plain().find(word);
    REQUIRE(begin != std::string::npos);
    const Span span = text.span(begin, begin + word.size());
    return body.substr(span.begin, span.end - span.begin);
  };
  CHECK(at("gagnez") == "Gagnez");
  CHECK(at("free") == "ｆｒｅｅ");
  CHECK(at("cash") == "c a s h");
  CHECK(at("la") == "là");
}

TEST_CASE("spans are whole characters of the author's text, whatever is written") {
  const std::vector<std::string_view> seeds{
      "Coucou",  "é\u0301\u0302", "\u200b\u200d\ufeff", "𝕏𝕐ℤ",    "日本語",
      "f r e e", "c4$h!",         "\xf0\x9f\x98\x80",   "Привет", "ﬁn",
      "ß",       "\u202e"};
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    std::string body;
    for (std::uint64_t word = 0; word < 6; ++word) {
      body += seeds[mix(i * 7 + word) % seeds.size()];
      if (mix(i + word) % 3 != 0) body += ' ';
    }
    const NormalText text(folding(), body);
    REQUIRE(text.text().size() == text.plain().size());
    for (std::size_t at = 0; at < text.text().size(); ++at) {
      const Span span = text.span(at, at + 1);
      REQUIRE(span.begin < span.end);
      REQUIRE(span.end <= body.size());
      REQUIRE(is_utf8(std::string_view(body).substr(span.begin, span.end - span.begin)));
    }
    // Reading what was read changes nothing in the letters.
    REQUIRE(is_utf8(text.text()));
  }
}

TEST_CASE("a link is found as a browser would follow it") {
  struct Case {
    std::string_view body, host, registrable;
  };
  for (const auto& [body, host, registrable] : std::vector<Case>{
           {"voir https://www.example.co.uk/x?y#z", "www.example.co.uk", "example.co.uk"},
           {"HTTP://EXAMPLE.ORG", "example.org", "example.org"},
           {"www.lemonde.fr.", "www.lemonde.fr", "lemonde.fr"},
           {"(bit.ly/abc)", "bit.ly", "bit.ly"},
           {"hxxp://evil.example/x", "evil.example", "evil.example"},
           {"http://user@evil.example/", "evil.example", "evil.example"},
           {"http://10.1.2.3:8080/x", "10.1.2.3", "10.1.2.3"},
           {"https://école.fr", "xn--cole-9oa.fr", "xn--cole-9oa.fr"},
           {"http://ｅｘａｍｐｌｅ.com", "example.com", "example.com"},
       }) {
    CAPTURE(body);
    const auto found = links(body);
    REQUIRE(found.size() == 1);
    CHECK(found[0].host == host);
    CHECK(found[0].registrable == registrable);
    CHECK(found[0].certain);
  }
  for (const std::string_view body :
       {"a.b", "e.g. this", "fin.Merci", "1.2.3", "prix : 3.50", "ada@example.org", "...", "://",
        "http://", "main.cc", "etc..."}) {
    CAPTURE(body);
    for (const Link& link : links(body)) CHECK(!link.certain);
  }
}

TEST_CASE("a host is matched at its dots only") {
  CHECK(host_matches("example.com", "example.com"));
  CHECK(host_matches("www.example.com", "example.com"));
  CHECK(!host_matches("attacker-example.com", "example.com"));
  CHECK(!host_matches("example.com.evil.net", "example.com"));
  CHECK(!host_matches("com", "example.com"));
}

TEST_CASE("a host that imitates another is told from an honest one") {
  CHECK(links("http://pаypal.com")[0].looks_like == "paypal.com");  // Cyrillic а
  CHECK(links("http://xn--pypal-4ve.com")[0].looks_like == "paypal.com");
  CHECK(links("https://école.fr")[0].looks_like.empty());
  CHECK(links("https://paypal.com")[0].looks_like.empty());
  CHECK(links("https://paypal.com@evil.example/")[0].user_info);
  CHECK(look_of_host("rnicrosoft.com") == look_of_host("microsoft.com"));
  CHECK(look_of_host("paypa1.com") == look_of_host("paypal.com"));
  CHECK(look_of_host("example.com") != look_of_host("examples.com"));
}

TEST_CASE("a name that is read as another is found") {
  const auto look = [](std::string_view name) { return look_of_name(folding(), name); };
  CHECK(look("Anne Roy") == look("ANNE R0Y"));
  CHECK(look("Anne Roy") == look("Аnnе Rоу"));  // Cyrillic
  CHECK(look("Éric Morin") == look("Eric Morin"));
  CHECK(look("Modérateur") == look("rnoderateur"));
  CHECK(look("Anne Roy") != look("Anna Roy"));
  CHECK(claims_office(folding(), "Admin"));
  CHECK(claims_office(folding(), "Support HEC"));
  CHECK(claims_office(folding(), "M0dération"));
  CHECK(!claims_office(folding(), "Adminah Laurent"));
  CHECK(!claims_office(folding(), "Modeste Dupont"));
  for (const auto* name :
       {"Anne Roy\u2800", "Anne\u2800Roy", "Anпe Roy", "Aηηe Roy", "Λnne Roy", "ᗩnne Roy",
        "Anne Rӧy", "Ann℮ Roy", "@nne Roy", "4nne Roy", "Anne Roy ✓", "👑 Anne Roy", "Anne—Roy"}) {
    CHECK_MESSAGE(look(name) == look("Anne Roy"), name);
  }
  for (const auto* name :
       {"(Admin)", "[Admin]", "Admin!", "Admin1", "⚡Admin⚡", "Anne (admin)", "L’administration",
        "Admins", "Modos", "Admin\u2800", "Présidente", "Anne Roy, présidente", "Le Comité",
        "Permanence du réseau", "Le Bureau", "Trésorier", "Staff"}) {
    CHECK_MESSAGE(claims_office(folding(), name), name);
  }
  for (const auto* name : {"Elihu Root", "Alice Modo", "Jean Staff", "Marie Bureau", "Li", "Ng",
                           "É", "李", "Марія", "Anne Roy (2012)", "Luc 4", "42"}) {
    CHECK_MESSAGE(!claims_office(folding(), name), name);
  }
  CHECK(look("Anne Roy (2012)") != look("Anne Roy"));
  CHECK(look("李") != look("王"));
}

TEST_CASE("advertising is an offer with a way to take it") {
  const auto advert = [](std::string_view body) {
    const NormalText text(folding(), body);
    return find_advert(text, find_links(folding(), text, body, 64)).has_value();
  };
  CHECK(advert("Promotion : mes services de coaching à 49 € la séance"));
  CHECK(advert("For sale: my bike, $120"));
  CHECK(advert("Profitez de notre offre sur www.boutique.example"));
  CHECK(!advert("La promotion 2012 se retrouve jeudi"));
  CHECK(!advert("Qui vient à la conférence ? Entrée 10 €"));
}

TEST_CASE("one text with changes is one text, two texts are two") {
  const auto sketch = [](std::string_view body) { return sketch_of(NormalText(folding(), body)); };
  const std::string base =
      "Bonjour à tous, profitez de cette occasion unique pour investir dans notre programme et "
      "recevoir vos gains chaque semaine sans aucun risque, écrivez-moi en privé pour les détails";
  CHECK(!sketch("Merci beaucoup !"));
  CHECK(alike(*sketch(base), *sketch(base)));
  CHECK(alike(*sketch(base), *sketch("BONJOUR " + base + " merci")));
  CHECK(
      !alike(*sketch(base),
             *sketch("La prochaine réunion du comité aura lieu mardi à la salle B, merci de "
                     "confirmer votre présence avant lundi soir auprès de la secrétaire du club")));
  CHECK(!alike(*sketch("Bonne fête à toi Nadia, à bientôt j'espère"),
               *sketch("Bonjour à toi Karim, bravo pour ton poste")));
}

// Of the words of the one that has fewer, how many the other has too.
double shared_words(const std::string& one, const std::string& other) {
  const auto words = [](const std::string& text) {
    std::istringstream in(text);
    return std::set<std::string>(std::istream_iterator<std::string>(in), {});
  };
  const auto a = words(one), b = words(other);
  std::vector<std::string> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(std::min(a.size(), b.size()));
}

TEST_CASE("no two of 500 common short messages are taken for one") {
  const char* folder = std::getenv("AMICALE_TEST_DATA");
  if (!folder) {
    std::puts("skipped: AMICALE_TEST_DATA does not name the folder of real logs");
    return;
  }
  std::map<std::string, int> said;  // as it is read, how often
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(folder) / "irc")) {
    if (!entry.path().string().ends_with(".raw.txt")) continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (const auto& message : admin::parse_irc_log(text, 0).messages) {
      // Whom it is said to is no part of what is said.
      std::string_view body = message.body;
      if (const auto colon = body.find(": "); colon < body.find(' ')) body.remove_prefix(colon + 2);
      if (body.size() <= 100) ++said[plain(body)];
    }
  }
  std::vector<std::pair<int, std::string>> common;
  for (const auto& [text, count] : said) common.emplace_back(count, text);
  std::ranges::sort(common, std::greater{});
  REQUIRE(common.size() >= 500);
  common.resize(500);
  std::size_t compared = 0, joined = 0;
  for (std::size_t i = 0; i < common.size(); ++i) {
    const auto one = sketch_of(NormalText(folding(), common[i].second));
    for (std::size_t j = 0; one && j < i; ++j) {
      const auto other = sketch_of(NormalText(folding(), common[j].second));
      if (!other) continue;
      ++compared;
      if (!alike(*one, *other)) continue;
      // Two that have nearly all words in common are one text: a bot's, or somebody's who repeats.
      ++joined;
      CAPTURE(common[i].second);
      CAPTURE(common[j].second);
      CHECK(shared_words(common[i].second, common[j].second) >= 0.8);
    }
  }
  MESSAGE(compared, " pairs long enough to be compared, ", joined, " of them one text");
}

TEST_CASE("variants of one text by many accounts are found from the third on") {
  const std::string base =
      "Gagnez de l'argent depuis chez vous avec cette méthode simple, contactez mon conseiller sur "
      "sa messagerie et recevez votre premier virement dès demain, places limitées pour ce mois";
  std::uint32_t stopped = 0, tried = 0;
  for (std::uint64_t trial = 0; trial < 20; ++trial) {
    RecentTexts texts(1'024);
    for (std::uint64_t copy = 0; copy < 50; ++copy) {
      // A tenth of the letters become other ones.
      std::string variant = base;
      for (std::size_t i = 0; i < variant.size(); ++i) {
        const std::uint64_t dice = mix(trial * 1'000'003 + copy * 1'009 + i);
        if (static_cast<unsigned char>(variant[i]) < 0x80 && dice % 10 == 0) {
          variant[i] = static_cast<char>('a' + dice / 10 % 26);
        }
      }
      const auto sketch = sketch_of(NormalText(folding(), variant));
      REQUIRE(sketch);
      const std::uint64_t author = 1 + copy % 20;
      const auto time = static_cast<std::int64_t>(copy) * 1'000;
      const auto count = texts.count(
          *sketch, {.by = author, .since_ms = time - 600'000, .alike_since_ms = time - 3'600'000});
      if (copy >= 2) {
        ++tried;
        stopped += count.authors + 1 >= 3;
      }
      texts.add(*sketch, {.author = author, .club = 1, .time_ms = time}, count.family);
    }
  }
  MESSAGE(stopped, " of ", tried);
  CHECK(stopped * 100 >= tried * 95);
}

TEST_CASE("who said alike is told once for each time, from the instant that is asked for on") {
  RecentTexts texts(8);
  const auto said = [&](std::string_view text, std::uint64_t author, std::int64_t time_ms) {
    const auto sketch = sketch_of(NormalText(folding(), text));
    REQUIRE(sketch);
    const auto count = texts.count(*sketch, {.by = author});
    texts.add(*sketch, {.author = author, .club = 1, .time_ms = time_ms}, count.family);
  };
  constexpr std::string_view advert = "Gagnez des cadeaux magnifiques sur notre nouvelle page";
  said(advert, 7, 10);
  said(advert, 7, 20);
  said("GAGNEZ des cadeaux magnifiques sur notre nouvelle page !", 8, 30);
  said("Rendez-vous samedi devant la bibliothèque pour la sortie", 9, 30);
  const auto sketch = sketch_of(NormalText(folding(), advert));
  CHECK(texts.alike_since(*sketch, 0).size() == 3);
  const auto late = texts.alike_since(*sketch, 20);
  REQUIRE(late.size() == 2);
  CHECK(late[0].author == 7);
  CHECK(late[1].author == 8);
  CHECK(texts.alike_since(*sketch, 31).empty());
}

TEST_CASE("every obfuscation is undone") {
  const std::string text = "free entry to win cash now";
  for (const auto kind :
       {Obfuscation::homoglyph, Obfuscation::zero_width, Obfuscation::full_width}) {
    CHECK(plain(obfuscate(text, kind, 1000, 7)) == text);
  }
  CHECK(plain(obfuscate("free entry", Obfuscation::spaced, 1000, 7)) == "free entry");
}

}  // namespace
}  // namespace amicale::domain::antispam
