// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/advertising.h"

#include <algorithm>
#include <array>

#include "server/domain/antispam/word_list.h"

namespace amicale::domain::antispam {
namespace {

// Folded: no accents, lower case. Offers, as they are worded by those who sell.
constexpr auto offers = std::to_array<std::string_view>({
    // Français
    "a vendre",
    "mes services",
    "nos services",
    "mes offres",
    "notre offre",
    "nos offres",
    "offre speciale",
    "offre exclusive",
    "offre limitee",
    "offre promotionnelle",
    "code promo",
    "promotion",
    "en promo",
    "prix d'ami",
    "tarif preferentiel",
    "tarifs preferentiels",
    "tarif special",
    "devis gratuit",
    "soumission gratuite",
    "rabais",
    "reduction de",
    "profitez de",
    "profitez-en",
    "commandez",
    "achetez",
    "reservez votre place",
    "inscrivez-vous a ma formation",
    "ma formation",
    "mon coaching",
    "mes seances",
    "ma boutique",
    "notre boutique",
    "livraison gratuite",
    "prenez rendez-vous",
    "essai gratuit",
    "consultation gratuite",
    "a louer",
    "places limitees",
    "contactez-moi pour",
    "contactez-nous pour",
    "investissez",
    // English
    "for sale",
    "my services",
    "our services",
    "special offer",
    "limited offer",
    "exclusive offer",
    "discount",
    "promo code",
    "coupon",
    "buy now",
    "order now",
    "free quote",
    "free trial",
    "free consultation",
    "book now",
    "book a call",
    "sign up for my",
    "my course",
    "our course",
    "my shop",
    "our shop",
    "free shipping",
    "for rent",
    "limited spots",
    "contact me for",
    "we offer",
    "i offer",
});

const WordList& offer_list() {
  static const WordList list = [] {
    std::vector<WordList::Word> words;
    for (const std::string_view offer : offers)
      words.push_back({.text = std::string(offer), .rule = 0});
    return WordList(std::move(words));
  }();
  return list;
}

// A price ("49 $", "$49", "49,90 €", "20 %") or a telephone number (ten digits, however grouped).
bool has_price_or_phone(std::string_view text) {
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_ascii_digit(c)) {
      if (i > 0 && text[i - 1] == '$') return true;
      if (++digits == 10) return true;
      continue;
    }
    if (digits != 0) {
      std::size_t next = i;
      while (next < text.size() && text[next] == ' ') ++next;
      const std::string_view rest = text.substr(next);
      if (rest.starts_with('$') || rest.starts_with('%') || rest.starts_with("€") ||
          rest.starts_with("£") || rest.starts_with("euro") || rest.starts_with("dollar")) {
        return true;
      }
    }
    if (c != ' ' && c != '-' && c != '.' && c != '(' && c != ')' && c != ',') digits = 0;
  }
  return false;
}

}  // namespace

std::optional<Span> find_advert(const NormalText& text, const std::vector<Link>& links) {
  std::optional<Span> offer;
  offer_list().find(text.text(), [&](const WordList::Word&, std::size_t begin, std::size_t end) {
    if (!offer) offer = text.span(begin, end);
  });
  if (!offer) return std::nullopt;
  const bool linked = std::ranges::any_of(links, &Link::certain);
  if (!linked && !has_price_or_phone(text.text())) return std::nullopt;
  return offer;
}

}  // namespace amicale::domain::antispam
