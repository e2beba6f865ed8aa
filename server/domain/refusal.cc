// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/refusal.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace amicale::domain {
namespace {

struct Sentence {
  v1::RefusalCode code;
  std::string_view rule_id;  // empty: whatever the rule
  std::string_view fr;
  std::string_view en;
};

// {limit}, {actual}, {seconds}, {wait} ("2 h 5 min") and {for} (" for another 3 h", or nothing when waiting is no use) are filled in. French as written in Québec: a no-break space
// before a colon and inside guillemets, none before the other marks.
constexpr auto sentences = std::to_array<Sentence>({
    {v1::REFUSAL_CODE_BAD_REQUEST, "", "La demande est mal formée.", "The request is malformed."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "antispam.model",
     "Ce fichier n’est pas un modèle de cette version.", "This file is no model of this version."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "antispam.rules", "Le fichier de règles n’est pas lisible.",
     "The rules file is not readable."},
    {v1::REFUSAL_CODE_CONFLICT, "held.reviewed", "Ce message a déjà été examiné.",
     "This message has already been reviewed."},
    {v1::REFUSAL_CODE_FORBIDDEN, "held.own", "On n’examine pas son propre message.",
     "Nobody reviews their own message."},
    {v1::REFUSAL_CODE_CONFLICT, "held.author_gone",
     "L’auteur de ce message n’est plus dans le club : il ne peut plus être publié.",
     "The author of this message is no longer in the club: it can’t be released."},
    {v1::REFUSAL_CODE_CONFLICT, "held.author_held",
     "Une sanction retient l’auteur de ce message{for} : levez-la d’abord, ou écartez le message.",
     "A sanction holds the author of this message back{for}: lift it first, or reject the "
     "message."},
    {v1::REFUSAL_CODE_CONFLICT, "held.author_new",
     "L’auteur de ce message vient d’arriver, et le club est en mode alerte{for} : mettez-y fin "
     "d’abord, ou écartez le message.",
     "The author of this message has just come, and the club is in raid mode{for}: end it first, "
     "or "
     "reject the message."},
    {v1::REFUSAL_CODE_CONFLICT, "held.gone", "Le message à modifier n’est plus là.",
     "The message to change is gone."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.utf8", "Le texte n’est pas en UTF-8 valide.",
     "The text is not valid UTF-8."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.blank", "Le texte est vide.", "The text is blank."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.control", "Le texte contient des caractères de contrôle.",
     "The text contains control characters."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.invisible",
     "Le nom contient des caractères invisibles ou réservés.",
     "The name contains invisible or reserved characters."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.spaces",
     "Le nom ne peut ni commencer ni finir par une espace, ni en contenir deux de suite.",
     "A name can’t begin or end with a space, nor have two in a row."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.marks",
     "Le nom empile trop d’accents sur une même lettre.",
     "The name piles too many accents on one letter."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.login",
     "L’identifiant doit compter de 3 à 32 caractères parmi a-z, 0-9, « . », « _ » et « - », et "
     "commencer par une lettre ou un chiffre.",
     "A login has 3 to 32 characters of a-z, 0-9, “.”, “_” and “-”, and begins with a letter or a "
     "digit."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.slug",
     "L’adresse courte doit être faite de a-z, 0-9 et « - », et commencer et finir par une lettre "
     "ou un chiffre.",
     "The short address is made of a-z, 0-9 and “-”, and begins and ends with a letter or a "
     "digit."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.emoji", "Une réaction est un seul émoji.",
     "A reaction is exactly one emoji."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "text.password_short",
     "Le mot de passe doit compter au moins {limit} caractères.",
     "The password must have at least {limit} characters."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "message.mention_in_direct",
     "Dans une conversation à deux, on ne peut mentionner ni le comité ni tout le monde.",
     "A direct conversation has no committee or everyone to mention."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "message.reply",
     "Le message auquel vous répondez n’existe pas dans ce salon.",
     "The message that you answer does not exist in this room."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "room.roles",
     "Un salon réservé doit nommer au moins un rôle, et seulement des rôles qui existent.",
     "A room for named roles names at least one role, and only roles that exist."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "account.read_beyond",
     "La marque de lecture dépasse le dernier message.",
     "The read mark lies beyond the last message."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "account.nothing_to_change", "La demande ne change rien.",
     "The request names nothing to change."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "direct.oneself",
     "On ne peut pas ouvrir de conversation avec soi-même.",
     "You can’t open a conversation with yourself."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "session.hello_first",
     "La première demande d’une connexion est Hello.",
     "The first request of a connection is Hello."},

    {v1::REFUSAL_CODE_UNAUTHENTICATED, "", "Connectez-vous d’abord.", "Log in first."},
    {v1::REFUSAL_CODE_BAD_CREDENTIALS, "", "L’identifiant ou le mot de passe est inexact.",
     "The login or the password is wrong."},
    {v1::REFUSAL_CODE_NOT_FOUND, "", "Cela n’existe pas, ou ne vous est pas ouvert.",
     "It does not exist, or is not open to you."},

    {v1::REFUSAL_CODE_FORBIDDEN, "", "Votre rôle ne permet pas cela.",
     "Your role does not allow this."},
    {v1::REFUSAL_CODE_FORBIDDEN, "may.rank",
     "Votre rôle n’est pas au-dessus de celui de cette personne.",
     "Your role is not above this person’s."},
    {v1::REFUSAL_CODE_FORBIDDEN, "profile.name_taken",
     "Ce nom se lit comme celui d’un membre du comité, ou d’une fonction. Choisissez-en un autre.",
     "This name is read as that of a committee member, or of an office. Choose another one."},
    {v1::REFUSAL_CODE_FORBIDDEN, "may.post_announcement",
     "Seul le comité publie dans un salon d’annonces.",
     "Only the committee posts in an announcement room."},
    {v1::REFUSAL_CODE_FORBIDDEN, "may.mention_all", "Seul le comité peut mentionner tout le monde.",
     "Only the committee may mention everyone."},
    {v1::REFUSAL_CODE_FORBIDDEN, "may.edit_own", "On ne modifie que ses propres messages.",
     "You may edit only your own messages."},
    {v1::REFUSAL_CODE_FORBIDDEN, "may.delete_any",
     "Seul le comité peut supprimer les messages des autres.",
     "Only the committee may delete other people’s messages."},
    {v1::REFUSAL_CODE_FORBIDDEN, "may.raise_capacity",
     "Seule la permanence peut porter la capacité au-delà de {limit} membres.",
     "Only site staff may raise the capacity above {limit} members."},
    {v1::REFUSAL_CODE_FORBIDDEN, "may.grant_role",
     "Vous ne pouvez donner qu’un rôle inférieur au vôtre.",
     "You may give only a role below your own."},
    {v1::REFUSAL_CODE_FORBIDDEN, "may.invite_role", "Vous ne pouvez pas inviter à ce rôle.",
     "You may not invite to this role."},
    {v1::REFUSAL_CODE_FORBIDDEN, "membership.banned", "Vous êtes exclu de ce club.",
     "You are banned from this club."},
    {v1::REFUSAL_CODE_FORBIDDEN, "membership.step",
     "Ce changement d’adhésion n’est pas le vôtre à faire.",
     "This change of membership is not yours to make."},

    {v1::REFUSAL_CODE_CONFLICT, "", "L’état actuel ne le permet pas.",
     "The present state does not allow it."},
    {v1::REFUSAL_CODE_CONFLICT, "room.archived",
     "Ce salon est archivé : on peut encore le lire, mais plus y écrire.",
     "This room is archived: it can be read, but not written in."},
    {v1::REFUSAL_CODE_CONFLICT, "room.locked",
     "Ce salon est verrouillé pour le moment : seul le comité y écrit.",
     "This room is locked for the moment: the committee alone writes."},
    {v1::REFUSAL_CODE_CONFLICT, "message.locked",
     "Le comité a figé ce message : il ne peut être ni modifié ni supprimé.",
     "The committee has locked this message: it can be neither edited nor deleted."},
    {v1::REFUSAL_CODE_CONFLICT, "message.words_gone", "Le texte de ce message n’existe plus.",
     "The words of this message are no longer kept."},
    {v1::REFUSAL_CODE_FORBIDDEN, "message.taken_back", "Son auteur a lui-même retiré ce message.",
     "Its author took this message back."},
    {v1::REFUSAL_CODE_RATE_LIMITED, "room.slow_mode",
     "Ce salon est en mode lent. Vous pourrez y écrire dans {wait}.",
     "This room is in slow mode. You can write here in {wait}."},
    {v1::REFUSAL_CODE_RATE_LIMITED, "room.busy",
     "Beaucoup de monde écrit ici : ce salon est ralenti un moment. Vous pourrez y écrire dans "
     "{wait}.",
     "Many people are writing here: this room is slowed down for a while. You can write in "
     "{wait}."},
    {v1::REFUSAL_CODE_CONFLICT, "room.name_taken", "Un salon de ce club porte déjà ce nom.",
     "A room of this club has this name already."},
    {v1::REFUSAL_CODE_CONFLICT, "room.locks_you_out",
     "Ce changement vous fermerait le salon à vous-même.",
     "This change would close the room to yourself."},
    {v1::REFUSAL_CODE_CONFLICT, "message.deleted", "Ce message a été supprimé.",
     "This message was deleted."},
    {v1::REFUSAL_CODE_CONFLICT, "club.slug_taken", "Un autre club a déjà cette adresse courte.",
     "Another club has this short address already."},
    {v1::REFUSAL_CODE_CONFLICT, "club.capacity_below_members",
     "Le club compte déjà {actual} membres : la capacité ne peut pas être plus basse.",
     "The club has {actual} members already: its capacity can’t be lower."},
    {v1::REFUSAL_CODE_CONFLICT, "account.login_taken", "Cet identifiant est déjà pris.",
     "This login is taken already."},
    {v1::REFUSAL_CODE_CONFLICT, "site.last_owner", "Le site doit garder au moins un propriétaire.",
     "The site must keep at least one owner."},
    {v1::REFUSAL_CODE_CONFLICT, "site.staff_full",
     "Le site compte déjà {limit} membres de la permanence.",
     "The site has {limit} staff members already."},
    {v1::REFUSAL_CODE_CONFLICT, "membership.president_needed",
     "Un club a une présidence : nommez d’abord une autre personne.",
     "A club has a president: name another person first."},
    {v1::REFUSAL_CODE_CONFLICT, "membership.president_taken", "Ce club a déjà une présidence.",
     "This club has a president already."},
    {v1::REFUSAL_CODE_CONFLICT, "membership.not_active",
     "Cette personne n’est pas membre active du club.",
     "This person is not an active member of the club."},
    {v1::REFUSAL_CODE_CONFLICT, "membership.step",
     "L’adhésion ne peut pas passer de son état actuel à celui-là.",
     "The membership can’t go from where it stands to there."},
    {v1::REFUSAL_CODE_CONFLICT, "message.client_msg_id",
     "Cet identifiant de demande a déjà servi à autre chose.",
     "This request id was used for something else already."},
    {v1::REFUSAL_CODE_CONFLICT, "session.authenticated",
     "Cette connexion est déjà celle de quelqu’un.", "This connection is somebody’s already."},
    {v1::REFUSAL_CODE_CONFLICT, "backup.exists", "Une sauvegarde de ce nom existe déjà.",
     "A backup of this name exists already."},
    {v1::REFUSAL_CODE_CONFLICT, "direct.declined", "Cette personne a décliné votre demande.",
     "This person declined your request."},
    {v1::REFUSAL_CODE_CONFLICT, "direct.requests",
     "Dix personnes n’ont pas encore répondu à votre demande. Attendez leur réponse.",
     "Ten people have not answered your request yet. Wait for their answers."},
    {v1::REFUSAL_CODE_CONFLICT, "direct.not_asked", "Il n’y a pas de demande à laquelle répondre.",
     "There is no request to answer."},

    {v1::REFUSAL_CODE_TOO_LARGE, "", "C’est trop : {actual}, pour un maximum de {limit}.",
     "Too much: {actual}, and at most {limit} is allowed."},
    {v1::REFUSAL_CODE_RATE_LIMITED, "", "C’est trop rapide. Réessayez dans {seconds} s.",
     "Too fast. Try again in {seconds} s."},
    {v1::REFUSAL_CODE_RATE_LIMITED, "rate.posts",
     "Vous écrivez trop vite. Réessayez dans {seconds} s.",
     "You post too fast. Try again in {seconds} s."},
    {v1::REFUSAL_CODE_RATE_LIMITED, "login.tries",
     "Trop d’essais de connexion. Réessayez dans {seconds} s.",
     "Too many tries to log in. Try again in {seconds} s."},
    {v1::REFUSAL_CODE_OVERLOADED, "", "Le serveur est très occupé. Réessayez dans {seconds} s.",
     "The server is very busy. Try again in {seconds} s."},
    {v1::REFUSAL_CODE_UNAVAILABLE, "",
     "On ne sait pas si la demande a abouti. Répétez-la avec le même identifiant.",
     "It is not known whether the request went through. Repeat it with the same id."},
    {v1::REFUSAL_CODE_INTERNAL, "",
     "Le serveur a rencontré un défaut. Donnez à l’exploitant le numéro de l’incident.",
     "The server met a defect. Quote the incident to the operator."},
    {v1::REFUSAL_CODE_UNSUPPORTED, "", "Ce serveur ne connaît pas cette demande ou cette version.",
     "This server does not know this request or this version."},
    {v1::REFUSAL_CODE_UNSUPPORTED, "session.version",
     "Ce serveur et cette application n’ont pas de version du protocole en commun.",
     "This server and this application share no protocol version."},
    {v1::REFUSAL_CODE_UNSUPPORTED, "backup.no_folder",
     "Aucun dossier de sauvegarde n’est configuré.", "No backup folder is configured."},

    {v1::REFUSAL_CODE_CAPACITY, "session.sockets",
     "Trop de connexions sont ouvertes pour ce compte ou cette adresse.",
     "Too many connections are open for this account or address."},
    {v1::REFUSAL_CODE_CAPACITY, "", "Il n’y a plus de place : {actual} sur {limit}.",
     "There is no room left: {actual} of {limit}."},
    {v1::REFUSAL_CODE_CAPACITY, "club.full", "Le club est complet : {actual} membres sur {limit}.",
     "The club is full: {actual} of {limit} members."},
    {v1::REFUSAL_CODE_CAPACITY, "club.rooms", "Le club a déjà {limit} salons.",
     "The club has {limit} rooms already."},

    {v1::REFUSAL_CODE_EXPIRED, "", "Cela n’est plus valide.", "It is no longer valid."},
    {v1::REFUSAL_CODE_EXPIRED, "invitation.expired",
     "Cette invitation est périmée. Demandez-en une nouvelle.",
     "This invitation has expired. Ask for a new one."},
    {v1::REFUSAL_CODE_EXPIRED, "invitation.used_up",
     "Cette invitation a déjà servi. Demandez-en une nouvelle.",
     "This invitation is used up. Ask for a new one."},
    {v1::REFUSAL_CODE_EXPIRED, "invitation.revoked", "Cette invitation a été retirée.",
     "This invitation was withdrawn."},

    {v1::REFUSAL_CODE_NO_SPACE, "",
     "Le disque du serveur est plein : on peut lire, mais pas écrire pour le moment.",
     "The server’s disk is full: reading goes on, writing is closed for now."},
    {v1::REFUSAL_CODE_CONSENT_NEEDED, "",
     "L’autre personne n’a pas encore accepté la conversation.",
     "The other person has not accepted the conversation yet."},
    {v1::REFUSAL_CODE_BLOCKED, "", "Cette conversation est bloquée.",
     "This conversation is blocked."},
    {v1::REFUSAL_CODE_NOT_ACTIVE, "", "Votre adhésion à ce club n’est pas active.",
     "Your membership of this club is not active."},

    {v1::REFUSAL_CODE_CHARTER_NEEDED, "", "Il faut d’abord accepter la charte du club.",
     "Accept the club’s charter first."},
    {v1::REFUSAL_CODE_CHARTER_NEEDED, "charter.accept",
     "La charte du club a changé : lisez-la et acceptez-la avant d’écrire.",
     "The club’s charter has changed: read and accept it before you write."},
    {v1::REFUSAL_CODE_CHARTER_NEEDED, "charter.join",
     "Pour entrer, il faut lire et accepter la charte du club.",
     "To come in, read and accept the club’s charter."},
    {v1::REFUSAL_CODE_CONFLICT, "charter.version",
     "Une autre version de la charte est en vigueur : lisez celle-ci.",
     "Another version of the charter is in force: read that one."},
    {v1::REFUSAL_CODE_CONFLICT, "charter.none", "Ce club n’a pas adopté de charte.",
     "This club has adopted no charter."},
    {v1::REFUSAL_CODE_CONFLICT, "charter.same", "C’est déjà la charte en vigueur.",
     "That is the charter in force already."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "charter.rules", "Une charte compte au moins une règle.",
     "A charter has at least one rule."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "charter.twice",
     "Un nom de règle, un motif ou un détecteur ne figure qu’une fois dans une charte.",
     "A rule’s name, a reason or a detector is in a charter once."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "charter.language",
     "Chaque règle se dit en français et en anglais.", "Every rule is said in French and English."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "charter.ladder",
     "L’échelle d’une règle commence par une aide (un mot, une relecture ou un avertissement), ne "
     "redescend pas, et ne fait sortir personne avant sa troisième marche.",
     "A rule’s ladder begins with help (a word, a second reading or a warning), never goes down, "
     "and "
     "puts nobody out before its third step."},
    {v1::REFUSAL_CODE_SANCTIONED, "", "Une sanction vous en empêche{for}.",
     "A sanction holds you back{for}."},
    {v1::REFUSAL_CODE_SANCTIONED, "sanction.mute", "Vous êtes en sourdine dans ce club{for}.",
     "You are muted in this club{for}."},
    {v1::REFUSAL_CODE_SANCTIONED, "sanction.mute_in_room",
     "Vous êtes en sourdine dans ce salon{for}.", "You are muted in this room{for}."},
    {v1::REFUSAL_CODE_SANCTIONED, "sanction.suspension",
     "Votre adhésion à ce club est suspendue{for}.",
     "Your membership of this club is suspended{for}."},
    {v1::REFUSAL_CODE_SANCTIONED, "sanction.ban", "Vous êtes exclu de ce club{for}.",
     "You are banned from this club{for}."},
    {v1::REFUSAL_CODE_SANCTIONED, "sanction.site_ban", "Ce compte est exclu du site{for}.",
     "This account is banned from the site{for}."},
    {v1::REFUSAL_CODE_FORBIDDEN, "sanction.own_case", "On ne décide pas de sa propre affaire.",
     "Nobody decides their own case."},
    {v1::REFUSAL_CODE_FORBIDDEN, "sanction.by_site",
     "La permanence a décidé de cette sanction : elle seule peut y toucher.",
     "Site staff decided this sanction: only they may change it."},
    {v1::REFUSAL_CODE_FORBIDDEN, "appeal.own_decision",
     "Vous avez pris cette décision : à quelqu’un d’autre de la revoir.",
     "You took this decision: somebody else reviews it."},
    {v1::REFUSAL_CODE_RAID_MODE, "", "Ce club est en mode alerte{for} : cela devra attendre.",
     "This club is in raid mode{for}: this has to wait."},
    {v1::REFUSAL_CODE_RAID_MODE, "raid.newcomer",
     "Ce club est en mode alerte{for} : qui vient d’arriver peut lire, et écrira ensuite.",
     "This club is in raid mode{for}: those who have just come in read, and write afterwards."},
    {v1::REFUSAL_CODE_RAID_MODE, "raid.invitations",
     "Ce club est en mode alerte : ses invitations sont suspendues{for}.",
     "This club is in raid mode: its invitations are paused{for}."},
    {v1::REFUSAL_CODE_CONFLICT, "raid.none", "Ce club n’est pas en mode alerte.",
     "This club is not in raid mode."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "raid.duration",
     "Le mode alerte dure au moins {limit} secondes.", "Raid mode lasts at least {limit} seconds."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "removal.newcomers",
     "Les messages nommés doivent être de personnes qui viennent d’arriver.",
     "The messages named must be those of people who have just come in."},
    {v1::REFUSAL_CODE_CONFLICT, "appeal.decided", "Cet appel a déjà été tranché.",
     "This appeal has been decided already."},
    {v1::REFUSAL_CODE_EXPIRED, "appeal.too_late",
     "Cette décision est trop ancienne pour être contestée.",
     "This decision is too old to be contested."},
    {v1::REFUSAL_CODE_FORBIDDEN, "may.act_on_behalf",
     "Seules la permanence et la personne qui soutient le club agissent au nom du comité.",
     "Only site staff and the club’s supervisor act for the committee."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "behalf.officer",
     "On agit au nom d’une autre personne, qui siège au comité de ce club.",
     "One acts for somebody else, who is of this club’s committee."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "behalf.no_club",
     "Hors d’un club, il n’y a pas de comité au nom duquel agir.",
     "Outside a club there is no committee to act for."},
    {v1::REFUSAL_CODE_FORBIDDEN, "proposal.own",
     "Vous l’avez proposé vous-même : à quelqu’un d’autre d’en décider.",
     "You proposed it yourself: somebody else decides it."},
    {v1::REFUSAL_CODE_FORBIDDEN, "proposal.not_own",
     "Seule la personne qui l’a proposé peut le retirer.",
     "Only who proposed it may take it back."},
    {v1::REFUSAL_CODE_FORBIDDEN, "proposal.staff",
     "Le comité a quelqu’un d’autre pour confirmer : la permanence ne le fait qu’à défaut.",
     "The committee has somebody else to confirm it: staff do so only where it has not."},
    {v1::REFUSAL_CODE_CONFLICT, "proposal.waits",
     "Une proposition sur la même chose attend déjà : n° {actual}.",
     "A proposal about the same waits already: no. {actual}."},
    {v1::REFUSAL_CODE_CONFLICT, "proposal.closed", "Cette proposition est déjà close.",
     "This proposal is closed already."},
    {v1::REFUSAL_CODE_CONFLICT, "proposal.proposer",
     "La personne qui l’a proposé n’en a plus le droit : proposez-le à votre tour.",
     "Who proposed it may no longer do so: propose it yourself."},
    {v1::REFUSAL_CODE_EXPIRED, "proposal.expired",
     "Cette proposition a expiré. Il faut la refaire.",
     "This proposal has expired. It has to be made anew."},
    {v1::REFUSAL_CODE_CAPACITY, "proposal.many",
     "Trop de propositions attendent déjà : {actual} sur {limit}.",
     "Too many proposals are waiting already: {actual} of {limit}."},
    {v1::REFUSAL_CODE_FORBIDDEN, "report.own",
     "Vous avez vous-même signalé cela : à quelqu’un d’autre d’en juger.",
     "You reported this yourself: somebody else judges it."},
    {v1::REFUSAL_CODE_CONFLICT, "report.resolved", "Ce signalement a déjà été traité.",
     "This report has been dealt with already."},
    {v1::REFUSAL_CODE_CONFLICT, "report.claimed",
     "Quelqu’un d’autre examine ce signalement, pour encore {wait}.",
     "Somebody else is looking at this report, for another {wait}."},
    {v1::REFUSAL_CODE_CAPACITY, "report.many",
     "Trop de signalements attendent déjà : {actual} sur {limit}.",
     "Too many reports are waiting already: {actual} of {limit}."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "report.oneself", "On ne se signale pas soi-même.",
     "You can’t report yourself."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "report.imported",
     "Ce message a été importé : son auteur n’est pas membre.",
     "This message was imported: its author is no member."},
    {v1::REFUSAL_CODE_CONFLICT, "sanction.ended", "Cette sanction a déjà pris fin.",
     "This sanction has ended already."},
    {v1::REFUSAL_CODE_CONFLICT, "sanction.stands",
     "Une suspension de cette personne court encore : levez-la d’abord.",
     "A suspension of this person still stands: lift it first."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "sanction.duration",
     "Cette sanction demande une durée d’au moins {limit} secondes, ou n’en admet pas.",
     "This sanction needs a duration of at least {limit} seconds, or admits none."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "sanction.text",
     "Sans motif de la liste, il faut dire pourquoi.", "Without a reason of the list, say why."},
    {v1::REFUSAL_CODE_BAD_REQUEST, "sanction.evidence",
     "Les messages cités doivent être de cette personne.",
     "The messages cited must be this person’s."},
});

void fill_in(std::string& text, std::string_view name, const std::string& value) {
  if (const auto at = text.find(name); at != std::string::npos) {
    text.replace(at, name.size(), value);
  }
}

// "2 d 3 h", "45 min": the two largest units, rounded up to the smaller of them.
std::string span_in_words(std::uint64_t ms, v1::Language language) {
  const bool english = language == v1::LANGUAGE_EN;
  constexpr std::string_view space = "\u00a0";
  struct Unit {
    std::uint64_t seconds;
    std::string_view fr, en;
  };
  constexpr std::array<Unit, 4> units{
      {{86'400, "j", "d"}, {3'600, "h", "h"}, {60, "min", "min"}, {1, "s", "s"}}};
  std::uint64_t seconds = (ms + 999) / 1000;
  std::size_t first = 0;
  while (first + 1 < units.size() && seconds < units[first].seconds) ++first;
  const std::size_t last = std::min(first + 1, units.size() - 1);
  const std::uint64_t grain = units[last].seconds;
  seconds = (seconds + grain - 1) / grain * grain;
  std::string words;
  for (std::size_t i = first; i <= last; ++i) {
    const std::uint64_t count = seconds / units[i].seconds;
    seconds %= units[i].seconds;
    if (count == 0 && !words.empty()) continue;
    if (!words.empty()) words += ' ';
    words += std::to_string(count);
    words += space;
    words += english ? units[i].en : units[i].fr;
  }
  return words;
}

void fill_in_span(std::string& text, std::uint64_t ms, v1::Language language) {
  constexpr std::string_view bare = "{wait}";
  if (const auto wait = text.find(bare); wait != std::string::npos) {
    text.replace(wait, bare.size(), span_in_words(ms, language));
  }
  constexpr std::string_view name = "{for}";
  const auto at = text.find(name);
  if (at == std::string::npos) return;
  const std::string_view before = language == v1::LANGUAGE_EN ? " for another " : " pour encore ";
  text.replace(at, name.size(),
               ms == 0 ? std::string() : std::string(before) + span_in_words(ms, language));
}

}  // namespace

std::unexpected<Refusal> refuse(v1::RefusalCode code, std::string_view rule_id) {
  return std::unexpected(Refusal{.code = code, .rule_id = std::string(rule_id)});
}

std::unexpected<Refusal> not_found() { return refuse(v1::REFUSAL_CODE_NOT_FOUND); }

std::unexpected<Refusal> bad_request(std::string_view field, std::string_view rule_id) {
  return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_BAD_REQUEST,
                                 .rule_id = std::string(rule_id),
                                 .field = std::string(field)});
}

std::unexpected<Refusal> too_large(std::string_view field, std::uint64_t limit,
                                   std::uint64_t actual) {
  return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_TOO_LARGE,
                                 .field = std::string(field),
                                 .limit = limit,
                                 .actual = actual});
}

std::unexpected<Refusal> rate_limited(std::string_view rule_id, std::uint32_t retry_after_ms) {
  return std::unexpected(Refusal{.code = v1::REFUSAL_CODE_RATE_LIMITED,
                                 .rule_id = std::string(rule_id),
                                 .retry_after_ms = retry_after_ms});
}

std::string_view sentence(v1::RefusalCode code, std::string_view rule_id, v1::Language language) {
  const Sentence* best = nullptr;
  for (const Sentence& candidate : sentences) {
    if (candidate.code != code) continue;
    if (candidate.rule_id.empty() && best == nullptr) best = &candidate;
    if (!rule_id.empty() && candidate.rule_id == rule_id) best = &candidate;
  }
  if (best == nullptr) return {};
  return language == v1::LANGUAGE_EN ? best->en : best->fr;
}

v1::Refusal to_wire(const Refusal& refusal, v1::Language language) {
  v1::Refusal wire;
  wire.set_code(refusal.code);
  std::string text(sentence(refusal.code, refusal.rule_id, language));
  // Nobody reads 2419200 as four weeks.
  const bool is_time = refusal.field.ends_with("duration_s");
  const auto amount = [&](std::uint64_t value) {
    return is_time && value != 0 ? span_in_words(value * 1'000, language) : std::to_string(value);
  };
  fill_in(text, "{limit}", amount(refusal.limit));
  fill_in(text, "{actual}", amount(refusal.actual));
  fill_in(text, "{seconds}", std::to_string((refusal.retry_after_ms + 999) / 1000));
  fill_in_span(text, refusal.retry_after_ms, language);
  wire.set_message(std::move(text));
  wire.set_field(refusal.field);
  wire.set_limit(refusal.limit);
  wire.set_actual(refusal.actual);
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  wire.set_retry_after_ms(static_cast<std::uint32_t>(std::min(refusal.retry_after_ms, most)));
  wire.set_rule_id(refusal.rule_id);
  wire.set_incident(refusal.incident);
  wire.set_until_ms(refusal.until_ms);
  if (refusal.held.kind != v1::SANCTION_KIND_UNSPECIFIED) {
    v1::HeldBy& held = *wire.mutable_sanction();
    held.set_sanction_id(refusal.held.sanction_id);
    held.set_club_id(refusal.held.club_id);
    held.set_kind(refusal.held.kind);
    held.set_room_id(refusal.held.room_id);
    held.set_reason(refusal.held.reason);
    held.set_until_ms(refusal.held.until_ms);
  }
  if (refusal.quote.version != 0) {
    v1::QuotedRule& quoted = *wire.mutable_charter();
    quoted.set_version(refusal.quote.version);
    quoted.set_rule_id(refusal.quote.rule_id);
    quoted.set_sentence(language == v1::LANGUAGE_EN ? refusal.quote.en : refusal.quote.fr);
  }
  // Every rule of this version is the first of its name.
  if (!refusal.rule_id.empty()) wire.set_rule_version(1);
  if (!refusal.why.empty() && wire.mutable_why()->ParseFromString(refusal.why) &&
      wire.why().findings_size() != 0) {
    const v1::Finding& finding = wire.why().findings(0);
    wire.set_message(language == v1::LANGUAGE_EN ? finding.text_en() : finding.text_fr());
    wire.set_rule_version(finding.rule_version());
  }
  return wire;
}

}  // namespace amicale::domain
