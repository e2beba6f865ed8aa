// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The first rooms of the six kinds of club, in both languages. Every kind has a hall, announcements
// and a room of the committee's own; what follows is what such a club meets for.
#include <array>

#include "server/domain/club.h"

namespace amicale::domain {
namespace {

constexpr v1::RoomAccess open_to_all = v1::ROOM_ACCESS_ALL;
constexpr v1::RoomAccess announcement = v1::ROOM_ACCESS_ANNOUNCEMENT;
constexpr v1::RoomAccess named_roles = v1::ROOM_ACCESS_ROLES;
constexpr RoleSet the_committee = called_as_committee;

constexpr RoomTemplate hall_fr{"général", "La conversation de tous les membres", open_to_all, 0};
constexpr RoomTemplate hall_en{"general", "Where all members talk", open_to_all, 0};
constexpr RoomTemplate news_fr{"annonces", "Les nouvelles du club, publiées par le comité",
                               announcement, 0};
constexpr RoomTemplate news_en{"announcements", "The club’s news, by the committee", announcement,
                               0};
constexpr RoomTemplate committee_fr{"comité", "Le travail du comité", named_roles, the_committee};
constexpr RoomTemplate committee_en{"committee", "The committee at work", named_roles,
                                    the_committee};

using Rooms = std::array<RoomTemplate, 5>;

struct KindTemplate {
  v1::ClubKind kind;
  Rooms fr;
  Rooms en;
};

constexpr Rooms rooms_fr(RoomTemplate first, RoomTemplate second) {
  return {hall_fr, news_fr, first, second, committee_fr};
}
constexpr Rooms rooms_en(RoomTemplate first, RoomTemplate second) {
  return {hall_en, news_en, first, second, committee_en};
}

constexpr std::array<KindTemplate, 6> kinds{{
    {v1::CLUB_KIND_REGIONAL,
     rooms_fr({"rencontres", "Se voir dans la région"},
              {"nouveaux-venus", "S’installer : logement, écoles, réseaux"}),
     rooms_en({"meetups", "Seeing each other in the region"},
              {"newcomers", "Settling in: housing, schools, networks"})},
    {v1::CLUB_KIND_COMPANY,
     rooms_fr({"carrières", "Postes et mobilité dans l’entreprise"},
              {"entraide", "Questions entre collègues diplômés"}),
     rooms_en({"careers", "Openings and moves inside the company"},
              {"help", "Questions among fellow graduates"})},
    {v1::CLUB_KIND_COHORT,
     rooms_fr({"retrouvailles", "Préparer la prochaine rencontre"},
              {"que-deviens-tu", "Nouvelles des uns et des autres"}),
     rooms_en({"reunions", "Planning the next one"}, {"where-are-you-now", "News of one another"})},
    {v1::CLUB_KIND_PROFESSIONAL,
     rooms_fr({"pratiques", "Méthodes, outils et cas vécus"},
              {"emplois", "Offres et demandes de la profession"}),
     rooms_en({"practice", "Methods, tools and cases"},
              {"jobs", "Openings and searches in the profession"})},
    {v1::CLUB_KIND_SOCIO_PROFESSIONAL,
     rooms_fr({"projets", "Ce que nous faisons ensemble"},
              {"ressources", "Lectures, guides et contacts utiles"}),
     rooms_en({"projects", "What we do together"},
              {"resources", "Readings, guides and useful contacts"})},
    {v1::CLUB_KIND_SOCIAL,
     rooms_fr({"sorties", "Proposer une activité, s’y inscrire"},
              {"découvertes", "Adresses, recettes, itinéraires, trouvailles"}),
     rooms_en({"outings", "Proposing an activity, joining one"},
              {"finds", "Places, recipes, routes and discoveries"})},
}};

}  // namespace

std::span<const RoomTemplate> template_rooms(v1::ClubKind kind, v1::Language language) {
  for (const KindTemplate& candidate : kinds) {
    if (candidate.kind == kind) return language == v1::LANGUAGE_EN ? candidate.en : candidate.fr;
  }
  return {};
}

}  // namespace amicale::domain
