// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Longer than most: the whole command line is one table, and CLI11 (costly to compile) is named here only.
#include "server/admin/arguments.h"

#include <CLI/CLI.hpp>
#include <concepts>
#include <cstdlib>
#include <functional>
#include <memory>
#include <sstream>

#include "server/admin/phrases.h"
#include "server/admin/profile.h"
#include "server/admin/version.h"
#include "server/admin/vocabulary.h"

namespace amicale::admin {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// --lang decides the language of help, so it is read before anything else.
v1::Language wanted_language(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string value;
    if (arguments[i].starts_with("--lang=")) value = arguments[i].substr(7);
    if (arguments[i] == "--lang" && i + 1 < arguments.size()) value = arguments[i + 1];
    if (const auto language = language_from(value)) return *language;
  }
  return language_of_environment();
}

class CommandLine {
 public:
  explicit CommandLine(v1::Language language) : language_(language) {
    app_.name("amicale");
    app_.description(in({"Amicale : la console de l'opérateur et le client de clavardage.",
                         "Amicale: the operator's console and the chat client."}));
    app_.footer(
        in({"Codes de sortie : 0 fait, 1 refusé, 2 erreur d'usage, 3 pas de connexion.\n"
            "Variables : AMICALE_URL, AMICALE_TOKEN, LANG (fr… = français).",
            "Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no connection.\n"
            "Variables: AMICALE_URL, AMICALE_TOKEN, LANG (fr… = French)."}));
    if (language_ == v1::LANGUAGE_FR) {
      for (const auto& [key, label] :
           std::initializer_list<std::pair<const char*, const char*>>{{"Usage", "Usage"},
                                                                      {"OPTIONS", "OPTIONS"},
                                                                      {"Options", "Options"},
                                                                      {"SUBCOMMAND", "COMMANDE"},
                                                                      {"SUBCOMMANDS", "COMMANDES"},
                                                                      {"Subcommands", "Commandes"},
                                                                      {"Subcommand", "Commande"},
                                                                      {"Positionals", "Arguments"},
                                                                      {"REQUIRED", "OBLIGATOIRE"},
                                                                      {"TEXT", "TEXTE"},
                                                                      {"UINT", "NOMBRE"},
                                                                      {"FLOAT", "NOMBRE"},
                                                                      {"FILE", "FICHIER"},
                                                                      {"DIR", "DOSSIER"}}) {
        app_.get_formatter()->label(key, label);
      }
    } else {
      app_.get_formatter()->label("Subcommands", "Commands");
      app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
      app_.get_formatter()->label("Positionals", "Arguments");
    }
    app_.get_formatter()->column_width(34);
    app_.set_help_flag("-h,--help", in({"Affiche cette aide", "Prints this help"}));
    app_.set_version_flag("--version", std::string("amicale ") + kVersion,
                          in({"Affiche la version", "Prints the version"}));
    app_.require_subcommand(1);
    app_.fallthrough();
    common_options();
    own_session();
    long_work();
    CLI::App* admin = group(&app_, "admin", {"Administre un site", "Administers a site"});
    site(admin);
    clubs(admin);
    rooms(admin);
    invitations(admin);
    held(admin);
    spam(admin);
    members(admin);
    sanctions(admin);
    removals(admin);
    reports(admin);
    appeals(admin);
    proposals(admin);
    charters(admin);
    raids(admin);
    sandboxes(admin);
    tokens(admin);
    audit(admin);
  }

  std::expected<Invocation, Printed> parse(std::vector<std::string> arguments) {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::Success& success) {
      std::ostringstream out, ignored;
      app_.exit(success, out, ignored);
      return std::unexpected(Printed{out.str(), kDone});
    } catch (const CLI::ParseError& error) {
      return std::unexpected(Printed{explained(error), kUsage});
    }
    if (!verb_) return std::unexpected(Printed{app_.help(), kUsage});
    return Invocation{std::move(common_), std::move(*verb_)};
  }

 private:
  std::string in(const Phrase& phrase) const { return std::string(phrase.in(language_)); }

  std::string explained(const CLI::ParseError& error) const {
    std::string hint = in({"Voir « amicale --help » ou « amicale COMMANDE --help ».",
                           "See `amicale --help` or `amicale COMMAND --help`."});
    std::string what = error.what();
    if (what.find("ubcommand is required") != std::string::npos) {
      what = in({"il manque une commande, ou celle-là n'existe pas",
                 "a command is missing, or there is no such command"});
    } else if (language_ == v1::LANGUAGE_FR) {
      const std::string kind = error.get_name();
      if (kind == "RequiredError") what = "il manque un argument : " + what;
      if (kind == "ExtrasError") what = "argument inconnu : " + what;
      if (kind == "ConversionError") what = "valeur illisible : " + what;
      if (kind == "ArgumentMismatch") what = "nombre de valeurs inattendu : " + what;
    }
    return "amicale: " + what + "\n" + hint + "\n";
  }

  CLI::App* group(CLI::App* parent, const char* name, const Phrase& about) {
    CLI::App* app = parent->add_subcommand(name, in(about));
    app->group(in({"Commandes", "Commands"}));
    app->require_subcommand(1);
    app->fallthrough();
    return app;
  }

  // A subcommand that makes a V; `add` gives it its options.
  template <typename V, typename Add>
  void verb(CLI::App* parent, const char* name, const Phrase& about, Add add) {
    CLI::App* app = parent->add_subcommand(name, in(about));
    app->group(in({"Commandes", "Commands"}));
    app->fallthrough();
    auto value = std::make_shared<V>();
    add(app, *value);
    if constexpr (std::derived_from<V, verb::ForCommittee>) {
      option(app, "--on-behalf", value->behalf,
             {"Permanence et soutien du club : au nom de « comité », ou d'une personne du comité",
              "Staff and supervisors: for “committee”, or for one of its members"});
    }
    app->callback([this, value] { verb_ = *value; });
  }
  template <typename V>
  void verb(CLI::App* parent, const char* name, const Phrase& about) {
    verb<V>(parent, name, about, [](CLI::App*, V&) {});
  }

  template <typename T>
  CLI::Option* option(CLI::App* app, const char* name, T& target, const Phrase& about) {
    return app->add_option(name, target, in(about));
  }

  // An option with a word out of a list.
  template <typename Target, typename Read>
  CLI::Option* word(CLI::App* app, const char* name, Target& target, Read read,
                    const std::string& words, const Phrase& about) {
    return app
        ->add_option_function<std::string>(
            name,
            [&target, read, words, name](const std::string& typed) {
              const auto value = read(typed);
              if (!value) throw CLI::ValidationError(name, typed + " ∉ {" + words + "}");
              target = *value;
            },
            in(about))
        ->type_name(words);
  }

  CLI::Option* roles(CLI::App* app, const char* name, std::vector<v1::ClubRole>& target,
                     const Phrase& about) {
    return app
        ->add_option_function<std::vector<std::string>>(
            name,
            [&target, name](const std::vector<std::string>& typed) {
              for (const std::string& one : typed) {
                const auto role = role_from(one);
                if (!role) throw CLI::ValidationError(name, one);
                target.push_back(*role);
              }
            },
            in(about))
        ->delimiter(',')
        ->type_name(role_words(language_));
  }

  CLI::Option* club(CLI::App* app, std::string& target) {
    return option(app, "--club,-c", target,
                  {"Le club, par son nom court", "The club, by its slug"});
  }
  CLI::Option* room(CLI::App* app, std::string& target) {
    return option(app, "--room,-r", target, {"La salle, par son nom", "The room, by its name"});
  }
  CLI::Option* password(CLI::App* app, bool& target) {
    return app->add_flag("--password-stdin", target,
                         in({"Lit le mot de passe sur l'entrée standard",
                             "Reads the password from standard input"}));
  }

  void common_options() {
    common_.language = language_;
    common_.url = from_environment("AMICALE_URL");
    common_.profile_file = default_profile_file();
    option(
        &app_, "--url,-u", common_.url,
        {"Le serveur, p. ex. wss://clubs.exemple.org (sinon AMICALE_URL, sinon la session gardée)",
         "The server, e.g. wss://clubs.example.org (else AMICALE_URL, else the saved session)"})
        ->type_name("URL");
    option(&app_, "--profile", common_.profile_file,
           {"Le fichier de la session gardée", "The file of the saved session"})
        ->type_name(language_ == v1::LANGUAGE_FR ? "FICHIER" : "FILE");
    option(&app_, "--ca", common_.ca_file,
           {"Autorités de certification (PEM), au lieu de celles du système",
            "Certificate authorities (PEM) instead of the system's"})
        ->type_name(language_ == v1::LANGUAGE_FR ? "FICHIER" : "FILE");
    app_.add_flag("--any-certificate", common_.any_certificate,
                  in({"Accepte tout certificat : pour un essai seulement",
                      "Accepts any certificate: for a trial only"}));
    app_.add_flag(
        "--json", common_.json,
        in({"Réponse en JSON au lieu d'un tableau", "Answers in JSON instead of a table"}));
    static constexpr const char* kLanguages = "fr|en";
    word(&app_, "--lang", common_.language, language_from, kLanguages,
         {"La langue", "The language"});
  }

  void own_session() {
    verb<verb::Login>(
        &app_, "login", {"Ouvre une session et la garde", "Logs in and keeps the session"},
        [&](CLI::App* app, verb::Login& v) {
          option(app, "--login,-l", v.login, {"Le nom de connexion", "The login name"});
          option(app, "--device", v.device,
                 {"Le nom de cet appareil dans la liste", "This device's name in the list"});
          password(app, v.password_stdin);
        });
    verb<verb::Logout>(&app_, "logout", {"Ferme la session gardée", "Ends the saved session"});
    verb<verb::WhoAmI>(&app_, "whoami",
                       {"Dit qui est connecté, et où", "Says who is logged in, and where"});
    verb<verb::Join>(
        &app_, "join",
        {"Crée un compte (ou entre dans un club) par un lien d'invitation",
         "Makes an account (or enters a club) by an invitation link"},
        [&](CLI::App* app, verb::Join& v) {
          option(app, "link", v.link, {"Le lien, ou son code", "The link, or its code"})
              ->required();
          option(app, "--login,-l", v.login, {"Le nom de connexion voulu", "The login wanted"});
          option(app, "--name,-n", v.name, {"Le nom affiché", "The name shown"});
          option(app, "--accept-charter", v.charter,
                 {"La version de la charte, lue et acceptée; sinon, elle est montrée",
                  "The version of the charter, read and accepted; else it is shown"});
          password(app, v.password_stdin);
        });
    verb<verb::Password>(
        &app_, "password",
        {"Change le mot de passe; les autres appareils sont déconnectés",
         "Changes the password; other devices are logged out"},
        [&](CLI::App* app, verb::Password& v) {
          app->add_flag(
              "--password-stdin", v.password_stdin,
              in({"Lit l'ancien puis le nouveau, une ligne chacun, sur l'entrée standard",
                  "Reads the old one, then the new one, a line each, from standard input"}));
        });
    verb<verb::Chat>(&app_, "chat",
                     {"Le client de clavardage en plein écran", "The full-screen chat client"},
                     [&](CLI::App* app, verb::Chat& v) {
                       club(app, v.club);
                       room(app, v.room);
                     });
    verb<verb::Call>(&app_, "call",
                     {"Envoie une requête du protocole en JSON et affiche la réponse",
                      "Sends one request of the protocol as JSON and prints the reply"},
                     [&](CLI::App* app, verb::Call& v) {
                       option(app, "request", v.request,
                              {"Son nom, p. ex. list_clubs", "Its name, e.g. list_clubs"})
                           ->required();
                       option(app, "json", v.json,
                              {"Ses champs; « - » lit l'entrée standard; absent = {}",
                               "Its fields; \"-\" reads standard input; absent = {}"});
                     });
  }

  void long_work() {
    CLI::App* import = group(&app_, "import", {"Charge un historique", "Loads history"});
    verb<verb::ImportIrc>(
        import, "irc",
        {"Charge des journaux IRC dans une salle, avec auteurs, heures et réponses",
         "Loads IRC logs into a room, with authors, times and replies"},
        [&](CLI::App* app, verb::ImportIrc& v) {
          v.annotations = "auto";
          option(app, "files", v.files, {"Les journaux", "The logs"})->required();
          club(app, v.club)->required();
          room(app, v.room)->required();
          option(app, "--annotations", v.annotations,
                 {"auto = à côté du journal (.annotation.txt), none, ou un fichier",
                  "auto = beside the log (.annotation.txt), none, or a file"})
              ->type_name("auto|none|FILE");
          option(app, "--date", v.date,
                 {"Premier jour, AAAA-MM-JJ; sinon lu du nom du fichier",
                  "First day, YYYY-MM-DD; else read from the file's name"});
        });
    verb<verb::Replay>(
        &app_, "replay", {"Rejoue un journal IRC en direct", "Plays an IRC log live"},
        [&](CLI::App* app, verb::Replay& v) {
          option(app, "file", v.file, {"Le journal", "The log"})->required();
          club(app, v.club)->required();
          room(app, v.room)->required();
          option(app, "--speed,-x", v.speed,
                 {"Fois la vitesse réelle; 0 = aussi vite que possible",
                  "Times real speed; 0 = as fast as it goes"})
              ->check(CLI::Range(0.0, 1e9))
              ->type_name("X");
          option(app, "--limit", v.limit, {"Au plus tant de messages", "At most so many messages"});
          option(app, "--logins", v.logins_file,
                 {"Fichier de lignes « compte,mot de passe » : les auteurs se les partagent (un "
                  "compte dit 30 messages en 10 s)",
                  "File of lines \"login,password\": the authors share them out (an account says "
                  "30 messages in 10 s)"});
        });
  }

  void site(CLI::App* admin) {
    CLI::App* app = group(admin, "site", {"Le site", "The site"});
    verb<verb::SiteCreate>(
        app, "create",
        {"Crée un site dans un dossier de données (serveur arrêté)",
         "Makes a site in a data folder (server stopped)"},
        [&](CLI::App* sub, verb::SiteCreate& v) {
          data(sub, v.data);
          option(sub, "--name,-n", v.name, {"Le nom du site", "The site's name"})->required();
          option(sub, "--owner", v.owner, {"Nom de connexion du propriétaire", "The owner's login"})
              ->required();
          option(sub, "--owner-name", v.display_name,
                 {"Nom affiché du propriétaire", "The owner's displayed name"});
          password(sub, v.password_stdin);
        });
    verb<verb::SiteRole>(app, "role",
                         {"Nomme ou retire le personnel du site", "Names or removes site staff"},
                         [&](CLI::App* sub, verb::SiteRole& v) {
                           option(sub, "login", v.login, {"Le compte", "The account"})->required();
                           word(sub, "role", v.role, site_role_from, site_role_words(language_),
                                {"Le rôle", "The role"})
                               ->required();
                         });
    verb<verb::Stats>(admin, "stats", {"Les compteurs du serveur", "The server's counters"},
                      [&](CLI::App* sub, verb::Stats& v) {
                        option(sub, "filter", v.filter,
                               {"Seulement ceux dont le nom contient ceci",
                                "Only those whose name contains this"});
                      });
    verb<verb::Backup>(
        admin, "backup", {"Copie vérifiée, serveur en marche", "A verified copy, server running"},
        [&](CLI::App* sub, verb::Backup& v) {
          option(sub, "--name,-n", v.name, {"Son nom; sinon l'heure", "Its name; else the time"});
        });
    verb<verb::Restore>(admin, "restore",
                        {"Remet une copie dans un dossier neuf (serveur arrêté)",
                         "Puts a copy back into a new folder (server stopped)"},
                        [&](CLI::App* sub, verb::Restore& v) {
                          option(sub, "backup", v.backup, {"La copie", "The copy"})->required();
                          data(sub, v.data);
                        });
    verb<verb::Verify>(admin, "verify",
                       {"Rejoue les journaux et compare toutes les données (serveur arrêté)",
                        "Replays the logs and compares all data (server stopped)"},
                       [&](CLI::App* sub, verb::Verify& v) { data(sub, v.data); });
    verb<verb::Rebuild>(admin, "rebuild",
                        {"Refait toutes les données à partir des journaux (serveur arrêté)",
                         "Makes all data anew from the logs (server stopped)"},
                        [&](CLI::App* sub, verb::Rebuild& v) {
                          data(sub, v.data);
                          sub->add_flag("--accept-loss", v.accept_loss,
                                        in({"Ouvre même si des écritures confirmées manquent",
                                            "Opens although acknowledged writes are missing"}));
                        });
  }

  void audit(CLI::App* admin) {
    CLI::App* app =
        group(admin, "audit", {"Le journal prouvable des actes", "The provable log of acts"});
    const Phrase club{"Le club, par son nom court ou son numéro; sans lui, le site",
                      "The club, by its slug or number; without it, the site"};
    verb<verb::AuditVerify>(
        app, "verify",
        {"Vérifie un fichier exporté, ou un dossier (serveur arrêté)",
         "Checks an exported file, or a folder (server stopped)"},
        [&](CLI::App* sub, verb::AuditVerify& v) {
          option(sub, "file", v.file, {"Le fichier", "The file"});
          option(sub, "--data,-d", v.data, {"Le dossier de données", "The data folder"});
          option(sub, "--key", v.key,
                 {"La clé du site, en hexadécimal", "The site's key, in hexadecimal"});
          option(sub, "--pinned", v.pinned,
                 {"Un fichier gardé d'avant : le journal doit en être la suite",
                  "A file kept from before: the log must go on from it"});
        });
    verb<verb::AuditExport>(
        app, "export",
        {"Écrit tous les actes et la tête signée dans un fichier",
         "Writes every act and the signed head to a file"},
        [&](CLI::App* sub, verb::AuditExport& v) {
          option(sub, "file", v.file, {"Le fichier", "The file"})->required();
          option(sub, "--club,-c", v.club, club);
          option(sub, "--data,-d", v.data,
                 {"D'un dossier de données, serveur arrêté", "Of a data folder, server stopped"});
        });
    verb<verb::AuditProve>(
        app, "prove",
        {"Écrit les actes qui concernent une personne, prouvés",
         "Writes the acts about a person, proved"},
        [&](CLI::App* sub, verb::AuditProve& v) {
          option(sub, "file", v.file, {"Le fichier", "The file"})->required();
          option(sub, "--club,-c", v.club, club);
          option(sub, "--member,-m", v.member,
                 {"La personne; sans elle, soi-même", "The person; without, oneself"});
        });
    verb<verb::AuditRotate>(
        app, "rotate-key",
        {"Change la clé qui signe; l'ancienne signe la nouvelle (serveur arrêté)",
         "Changes the signing key; the old one signs the new one (server stopped)"},
        [&](CLI::App* sub, verb::AuditRotate& v) { data(sub, v.data); });
  }

  CLI::Option* data(CLI::App* app, std::string& target) {
    return option(app, "--data,-d", target, {"Le dossier de données", "The data folder"})
        ->required();
  }

  void clubs(CLI::App* admin) {
    CLI::App* app = group(admin, "club", {"Les clubs", "Clubs"});
    verb<verb::ClubCreate>(
        app, "create",
        {"Crée un club à partir du modèle de sa sorte",
         "Makes a club from the template of its kind"},
        [&](CLI::App* sub, verb::ClubCreate& v) {
          option(sub, "slug", v.slug, {"Nom court, pour les adresses", "Short name, for addresses"})
              ->required();
          option(sub, "--name,-n", v.name, {"Le nom", "The name"})->required();
          word(sub, "--kind,-k", v.kind, kind_from, kind_words(language_), {"La sorte", "The kind"})
              ->required();
          option(sub, "--purpose", v.purpose, {"La raison d'être", "The purpose"});
          word(sub, "--language", v.language, language_from, "fr|en",
               {"La langue du club", "The club's language"});
          option(sub, "--capacity", v.capacity,
                 {"Membres actifs au plus", "Active members at most"});
        });
    verb<verb::ClubList>(app, "list", {"Liste les clubs", "Lists clubs"});
    verb<verb::ClubChange>(
        app, "change", {"Change un club", "Changes a club"},
        [&](CLI::App* sub, verb::ClubChange& v) {
          option(sub, "club", v.club, {"Le club, par son nom court", "The club, by its slug"})
              ->required();
          option(sub, "--name,-n", v.name, {"Le nom", "The name"});
          option(sub, "--purpose", v.purpose, {"La raison d'être", "The purpose"});
          word(sub, "--language", v.language, language_from, "fr|en",
               {"La langue du club", "The club's language"});
          option(sub, "--capacity", v.capacity,
                 {"Membres actifs au plus", "Active members at most"});
          sub->add_flag("--watch,!--no-watch", v.watch,
                        in({"Le mode alerte et le mode lent commencent d'eux-mêmes, ou non",
                            "Raid mode and slow mode start by themselves, or don't"}));
        });
  }

  void rooms(CLI::App* admin) {
    CLI::App* app = group(admin, "room", {"Les salles", "Rooms"});
    verb<verb::RoomCreate>(
        app, "create", {"Crée une salle", "Makes a room"}, [&](CLI::App* sub, verb::RoomCreate& v) {
          option(sub, "name", v.name, {"Le nom", "The name"})->required();
          club(sub, v.club)->required();
          option(sub, "--topic,-t", v.topic, {"Le sujet", "The topic"});
          word(sub, "--access,-a", v.access, access_from, access_words(language_),
               {"Qui lit et écrit", "Who reads and writes"});
          roles(sub, "--roles", v.roles,
                {"Les rôles admis, si l'accès est par rôles",
                 "The roles let in, when access is by roles"});
        });
    verb<verb::RoomList>(app, "list", {"Liste les salles", "Lists rooms"},
                         [&](CLI::App* sub, verb::RoomList& v) { club(sub, v.club)->required(); });
    verb<verb::RoomChange>(
        app, "change", {"Change une salle", "Changes a room"},
        [&](CLI::App* sub, verb::RoomChange& v) {
          option(sub, "room", v.room, {"La salle", "The room"})->required();
          club(sub, v.club)->required();
          option(sub, "--name,-n", v.name, {"Le nom", "The name"});
          option(sub, "--topic,-t", v.topic, {"Le sujet", "The topic"});
          word(sub, "--access,-a", v.access, access_from, access_words(language_),
               {"Qui lit et écrit", "Who reads and writes"});
          roles(sub, "--roles", v.roles, {"Les rôles admis", "The roles let in"});
        });
    for (const bool locked : {true, false}) {
      verb<verb::RoomChange>(app, locked ? "lock" : "unlock",
                             locked ? Phrase{"Verrouille une salle : le comité seul y écrit",
                                             "Locks a room: the committee alone writes"}
                                    : Phrase{"Déverrouille une salle", "Unlocks a room"},
                             [&](CLI::App* sub, verb::RoomChange& v) {
                               v.locked = locked;
                               option(sub, "room", v.room, {"La salle", "The room"})->required();
                               club(sub, v.club)->required();
                               option(sub, "--reason", v.reason,
                                      {"Ce que lira la salle", "What the room will read"});
                             });
    }
    verb<verb::RoomChange>(
        app, "slow",
        {"Mode lent : un message par durée et par membre; 0 l'arrête",
         "Slow mode: one message per duration and member; 0 ends it"},
        [&](CLI::App* sub, verb::RoomChange& v) {
          option(sub, "room", v.room, {"La salle", "The room"})->required();
          option(sub, "duration", v.slow, {"30s, 5min, 1h, ou 0", "30s, 5min, 1h, or 0"})
              ->required();
          club(sub, v.club)->required();
          option(sub, "--reason", v.reason, {"Ce que lira la salle", "What the room will read"});
        });
    for (const bool archived : {true, false}) {
      verb<verb::RoomChange>(app, archived ? "archive" : "reopen",
                             archived ? Phrase{"Ferme une salle; elle reste lisible",
                                               "Closes a room; it stays readable"}
                                      : Phrase{"Rouvre une salle", "Opens a room again"},
                             [&](CLI::App* sub, verb::RoomChange& v) {
                               v.archived = archived;
                               option(sub, "room", v.room, {"La salle", "The room"})->required();
                               club(sub, v.club)->required();
                             });
    }
  }

  void held(CLI::App* admin) {
    CLI::App* app = group(admin, "held", {"Les messages retenus", "Held messages"});
    verb<verb::HeldList>(app, "list",
                         {"Liste ce qui attend le comité", "Lists what waits for the committee"},
                         [&](CLI::App* sub, verb::HeldList& v) {
                           club(sub, v.club)->required();
                           sub->add_flag("--reviewed", v.reviewed,
                                         in({"Aussi ce qui est décidé", "What was decided, too"}));
                         });
    for (const bool release : {true, false}) {
      verb<verb::HeldReview>(
          app, release ? "release" : "reject",
          release ? Phrase{"Publie un message retenu", "Releases a held message"}
                  : Phrase{"Rejette un message retenu", "Rejects a held message"},
          [&](CLI::App* sub, verb::HeldReview& v) {
            v.release = release;
            option(sub, "held", v.held, {"Son numéro", "Its number"})->required();
            club(sub, v.club)->required();
            option(sub, "--reason", v.reason, {"Un mot pour l'auteur", "A word for the author"});
          });
    }
  }

  void spam(CLI::App* admin) {
    CLI::App* app = group(admin, "spam", {"Les indésirables", "Unwanted messages"});
    verb<verb::SpamCheck>(
        app, "check", {"Dit pourquoi un texte serait retenu", "Says why a text would be held"},
        [&](CLI::App* sub, verb::SpamCheck& v) {
          option(sub, "text", v.text, {"Le texte", "The text"})->required();
          option(sub, "--rules", v.rules, {"Un fichier de règles", "A rules file"});
          option(sub, "--model", v.model,
                 {"Un modèle (celui du programme)", "A model (the program's own)"});
          option(sub, "--trust", v.trust,
                 {"La confiance de l'auteur, de 0 à 4 (0)", "The author's trust, 0 to 4 (0)"})
              ->check(CLI::Range(0, 4));
        });
    verb<verb::SpamEval>(
        app, "eval",
        {"Juge le modèle par validation croisée", "Judges the model by cross-validation"},
        [&](CLI::App* sub, verb::SpamEval& v) {
          option(sub, "folder", v.folder,
                 {"Dossier de *.tsv, étiquette et texte", "A folder of *.tsv, label and text"})
              ->required();
          option(sub, "--mails", v.mails,
                 {"Dossier du corpus SpamAssassin", "Folder of the SpamAssassin corpus"});
          option(sub, "--chat-logs", v.chat_logs,
                 {"Dossier de journaux IRC sans indésirables",
                  "Folder of IRC logs without unwanted messages"});
          sub->add_flag("--shipped", v.shipped,
                        in({"Juge aussi le modèle livré", "Judges the shipped model, too"}));
          sub->add_flag("--verbose", v.verbose,
                        in({"Montre ce qui serait retenu", "Shows what would be held"}));
        });
    verb<verb::SpamReplay>(
        app, "replay",
        {"Rejuge le passé d'un club avec d'autres règles (serveur arrêté, ou sur une copie)",
         "Judges a club's past again by other rules (server stopped, or on a copy)"},
        [&](CLI::App* sub, verb::SpamReplay& v) {
          data(sub, v.data);
          club(sub, v.club)->required();
          option(sub, "--since", v.since,
                 {"Depuis quand : 30d, 12h (30d)", "Since when: 30d, 12h (30d)"});
          option(
              sub, "--rules", v.rules,
              {"Un brouillon de règles; sans lui, les règles d'alors doivent redire la même chose",
               "A draft of rules; without it, the rules of then must say the same again"});
          option(sub, "--model", v.model,
                 {"Un modèle (celui du programme)", "A model (the program's own)"});
        });
    verb<verb::SpamTrust>(app, "trust",
                          {"Dit la confiance d'un club en un membre, et pourquoi",
                           "Tells a club's trust in a member, and why"},
                          [&](CLI::App* sub, verb::SpamTrust& v) {
                            club(sub, v.club)->required();
                            option(sub, "--member", v.member,
                                   {"Le membre (soi-même)", "The member (oneself)"});
                          });
    verb<verb::SpamTrain>(
        app, "train", {"Apprend un modèle", "Learns a model"},
        [&](CLI::App* sub, verb::SpamTrain& v) {
          option(sub, "folder", v.folders,
                 {"Dossiers de *.tsv, étiquette et texte", "Folders of *.tsv, label and text"})
              ->required();
          option(sub, "--chat-logs", v.chat_logs,
                 {"Dossiers de journaux IRC sans indésirables",
                  "Folders of IRC logs without unwanted messages"});
          option(sub, "--data,-d", v.data,
                 {"Dossier de données dont les comités ont examiné des messages (une copie)",
                  "A data folder whose committees reviewed messages (a copy)"});
          option(sub, "--output,-o", v.output, {"Le fichier du modèle", "The model's file"})
              ->required();
          option(sub, "--version", v.version, {"Son numéro de version", "Its version number"})
              ->required();
        });
  }

  void invitations(CLI::App* admin) {
    CLI::App* app = group(admin, "invite", {"Les invitations", "Invitations"});
    verb<verb::InviteCreate>(
        app, "create", {"Crée un lien d'invitation", "Makes an invitation link"},
        [&](CLI::App* sub, verb::InviteCreate& v) {
          club(sub, v.club)->required();
          word(sub, "--role", v.role, role_from, role_words(language_),
               {"Le rôle donné", "The role given"});
          option(sub, "--uses", v.uses, {"Combien de personnes (1)", "How many people (1)"});
          option(sub, "--hours", v.hours,
                 {"Durée en heures (30 jours)", "Hours it lasts (30 days)"});
          sub->add_flag(
              "--decision", v.needs_decision,
              in({"Le comité décide après l'adhésion", "The committee decides after the opt-in"}));
          option(sub, "--note", v.note, {"Une note pour le comité", "A note for the committee"});
        });
    verb<verb::InviteList>(
        app, "list", {"Liste les invitations", "Lists invitations"},
        [&](CLI::App* sub, verb::InviteList& v) { club(sub, v.club)->required(); });
    verb<verb::InviteRevoke>(
        app, "revoke", {"Révoque une invitation", "Revokes an invitation"},
        [&](CLI::App* sub, verb::InviteRevoke& v) {
          option(sub, "invitation", v.invitation, {"Son numéro", "Its number"})->required();
          club(sub, v.club)->required();
        });
  }

  void members(CLI::App* admin) {
    CLI::App* role_group = group(admin, "roles", {"Les rôles", "Roles"});
    verb<verb::RoleSet>(role_group, "set", {"Donne un rôle dans un club", "Gives a role in a club"},
                        [&](CLI::App* sub, verb::RoleSet& v) {
                          member(sub, v.member);
                          word(sub, "role", v.role, role_from, role_words(language_),
                               {"Le rôle", "The role"})
                              ->required();
                          club(sub, v.club)->required();
                          option(sub, "--reason", v.reason, {"La raison", "The reason"});
                        });
    CLI::App* app = group(admin, "members", {"Les membres", "Members"});
    verb<verb::MemberList>(app, "list", {"Liste les membres", "Lists members"},
                           [&](CLI::App* sub, verb::MemberList& v) {
                             club(sub, v.club)->required();
                             option(sub, "--name,-n", v.contains,
                                    {"Dont le nom contient", "Whose name contains"});
                           });
    verb<verb::MemberImport>(
        app, "import",
        {"Ajoute des membres d'un fichier CSV : identifiant, nom, rôle, langue, matricule",
         "Adds members from a CSV file: login, display_name, role, language, external_id"},
        [&](CLI::App* sub, verb::MemberImport& v) {
          option(sub, "file", v.file, {"Le fichier", "The file"})->required();
          club(sub, v.club)->required();
          sub->add_flag("--dry-run", v.dry_run,
                        in({"Vérifie tout, ne change rien", "Checks everything, changes nothing"}));
          option(sub, "--links", v.links_file,
                 {"Où écrire les liens d'activation (fichier privé)",
                  "Where to write the activation links (private file)"});
        });
    verb<verb::MemberAdd>(
        app, "add", {"Ajoute une personne", "Adds one person"},
        [&](CLI::App* sub, verb::MemberAdd& v) {
          option(sub, "login", v.login, {"Son nom de connexion", "Their login"})->required();
          club(sub, v.club)->required();
          option(sub, "--name,-n", v.name, {"Son nom affiché", "Their displayed name"})->required();
          word(sub, "--role", v.role, role_from, role_words(language_), {"Son rôle", "Their role"});
          word(sub, "--language", v.language, language_from, "fr|en",
               {"Sa langue", "Their language"});
          option(sub, "--external-id", v.external_id, {"Matricule", "Key in the alumni database"});
        });
    verb<verb::MemberStatusSet>(app, "set-status",
                                {"Admet, refuse, met en pause, radie ou bannit",
                                 "Admits, refuses, pauses, removes or bans"},
                                [&](CLI::App* sub, verb::MemberStatusSet& v) {
                                  member(sub, v.member);
                                  word(sub, "status", v.status, status_from,
                                       status_words(language_), {"L'état", "The status"})
                                      ->required();
                                  club(sub, v.club)->required();
                                  option(sub, "--reason", v.reason, {"La raison", "The reason"});
                                });
  }

  CLI::Option* member(CLI::App* app, std::string& target) {
    return option(app, "member", target,
                  {"Nom de connexion, numéro de compte ou nom affiché",
                   "Login, account number or displayed name"})
        ->required();
  }

  void sanctions(CLI::App* admin) {
    CLI::App* app = group(admin, "sanction",
                          {"Avertir, faire taire, suspendre, renvoyer, exclure",
                           "Warn, mute, suspend, put out, ban"});
    verb<verb::SanctionImpose>(
        app, "impose",
        {"Impose une sanction; sans --club, exclut de tout le site",
         "Imposes a sanction; without --club, bans from the whole site"},
        [&](CLI::App* sub, verb::SanctionImpose& v) {
          word(sub, "kind", v.kind, sanction_from, sanction_words(language_),
               {"Laquelle", "Which one"})
              ->required();
          member(sub, v.member);
          club(sub, v.club);
          option(sub, "--room,-r", v.room,
                 {"Sourdine dans cette salle seulement", "A mute in this room alone"});
          word(sub, "--reason", v.reason, reason_from, reason_words(language_),
               {"Le motif", "The reason"})
              ->required();
          option(sub, "--for", v.duration,
                 {"Durée : 30min, 2h, 3j; absente = jusqu'à la levée (exclusion)",
                  "Duration: 30min, 2h, 3d; absent = until lifted (ban)"})
              ->type_name(in({"DURÉE", "DURATION"}));
          option(sub, "--text", v.text, {"Ce que lira la personne", "What the person will read"});
          option(sub, "--note", v.note, {"Pour le comité seulement", "For the committee alone"});
          option(sub, "--message", v.messages,
                 {"Un message cité, gardé tel quel : SALLE:NUMÉRO",
                  "A message cited, kept as it is: ROOM:NUMBER"})
              ->type_name(in({"SALLE:NUMÉRO", "ROOM:NUMBER"}));
        });
    verb<verb::SanctionSuggest>(app, "suggest",
                                {"La marche suivante de l'échelle, pour une personne et un motif",
                                 "The next step of the ladder, for a person and a reason"},
                                [&](CLI::App* sub, verb::SanctionSuggest& v) {
                                  member(sub, v.member);
                                  club(sub, v.club)->required();
                                  word(sub, "--reason", v.reason, reason_from,
                                       reason_words(language_), {"Le motif", "The reason"})
                                      ->required();
                                });
    verb<verb::SanctionLift>(
        app, "lift", {"Lève une sanction", "Lifts a sanction"},
        [&](CLI::App* sub, verb::SanctionLift& v) {
          option(sub, "sanction", v.sanction, {"Son numéro", "Its number"})->required();
          club(sub, v.club);
          option(sub, "--member", v.member, {"Sans --club : de qui", "Without --club: whose"});
          option(sub, "--text", v.text, {"Ce que lira la personne", "What the person will read"});
        });
    verb<verb::SanctionList>(app, "list",
                             {"Liste les sanctions d'un club; sans --club, les siennes",
                              "Lists a club's sanctions; without --club, one's own"},
                             [&](CLI::App* sub, verb::SanctionList& v) {
                               option(sub, "member", v.member,
                                      {"D'une personne seulement", "Of one person alone"});
                               club(sub, v.club);
                               sub->add_flag("--standing", v.standing,
                                             in({"Celles qui sont en cours", "Those that stand"}));
                             });
  }

  void removals(CLI::App* admin) {
    CLI::App* app = group(admin, "removal",
                          {"Retirer d'un coup les messages d'une personne, et les rétablir",
                           "Take away a person's messages at once, and bring them back"});
    verb<verb::RemovalRun>(
        app, "run",
        {"Retire ce qu'une personne a dit depuis peu", "Takes away what a person said lately"},
        [&](CLI::App* sub, verb::RemovalRun& v) {
          option(sub, "member", v.member,
                 {"Nom de connexion, numéro de compte ou nom affiché",
                  "Login, account number or displayed name"});
          sub->add_flag("--newcomers", v.newcomers,
                        in({"De tous ceux qui viennent d'arriver, au lieu d'une personne",
                            "Of all who have just come in, in place of one person"}));
          club(sub, v.club)->required();
          room(sub, v.room);
          option(sub, "--since", v.since,
                 {"Depuis combien de temps : 30min, 2h, 1j", "For how long back: 30min, 2h, 1d"})
              ->required()
              ->type_name(in({"DURÉE", "DURATION"}));
          word(sub, "--reason", v.reason, reason_from, reason_words(language_),
               {"Le motif", "The reason"})
              ->required();
          option(sub, "--text", v.text, {"Ce que liront les salles", "What the rooms will read"});
          sub->add_flag(
              "--dry-run", v.dry_run,
              in({"Montre les messages, ne retire rien", "Shows the messages, removes nothing"}));
        });
    verb<verb::RemovalUndo>(
        app, "undo", {"Rétablit un retrait", "Undoes a removal"},
        [&](CLI::App* sub, verb::RemovalUndo& v) {
          option(sub, "removal", v.removal, {"Son numéro", "Its number"})->required();
          club(sub, v.club)->required();
        });
    verb<verb::RemovalList>(
        app, "list", {"Liste les retraits d'un club", "Lists a club's removals"},
        [&](CLI::App* sub, verb::RemovalList& v) { club(sub, v.club)->required(); });
  }

  void reports(CLI::App* admin) {
    CLI::App* app = group(admin, "report", {"Les signalements", "Reports"});
    verb<verb::ReportFile>(app, "file",
                           {"Signale un message ou une personne au comité, sans être nommé",
                            "Tells the committee of a message or a person, without being named"},
                           [&](CLI::App* sub, verb::ReportFile& v) {
                             club(sub, v.club)->required();
                             option(sub, "--member", v.member, {"La personne", "The person"});
                             option(sub, "--message", v.message,
                                    {"Le message : SALLE:NUMÉRO", "The message: ROOM:NUMBER"})
                                 ->type_name(in({"SALLE:NUMÉRO", "ROOM:NUMBER"}));
                             word(sub, "--reason", v.reason, reason_from, reason_words(language_),
                                  {"Le motif", "The reason"})
                                 ->required();
                             option(sub, "--text", v.text,
                                    {"Ce que lira le comité", "What the committee will read"});
                           });
    verb<verb::ReportList>(
        app, "list",
        {"La file d'attente d'un club; sans --club, ce qui attend trop (permanence)",
         "A club's queue; without --club, what waits too long (site staff)"},
        [&](CLI::App* sub, verb::ReportList& v) {
          club(sub, v.club);
          sub->add_flag("--resolved", v.resolved, in({"Ceux qui sont classés", "Those closed"}));
          sub->add_flag("--mine", v.mine, in({"Ceux que l'on a pris", "Those one has claimed"}));
        });
    verb<verb::ReportClaim>(
        app, "claim",
        {"Prend un signalement pour une demi-heure", "Claims a report for half an hour"},
        [&](CLI::App* sub, verb::ReportClaim& v) {
          option(sub, "report", v.report, {"Son numéro", "Its number"})->required();
          club(sub, v.club)->required();
          sub->add_flag("--release", v.release, in({"Le rend", "Gives it back"}));
        });
    verb<verb::ReportResolve>(
        app, "resolve", {"Classe un signalement", "Closes a report"},
        [&](CLI::App* sub, verb::ReportResolve& v) {
          option(sub, "report", v.report, {"Son numéro", "Its number"})->required();
          club(sub, v.club)->required();
          sub->add_flag("--acted", v.acted,
                        in({"Quelque chose a été fait; sinon, sans suite",
                            "Something was done; else dismissed"}));
          option(sub, "--sanction", v.sanction,
                 {"La sanction qui a été imposée", "The sanction that was imposed"});
          option(sub, "--text", v.text, {"Pour le comité", "For the committee"});
        });
  }

  void appeals(CLI::App* admin) {
    CLI::App* app =
        group(admin, "appeal",
              {"Contester une sanction, et en juger", "Contest a sanction, and judge it"});
    verb<verb::AppealFile>(
        app, "file", {"Conteste une sanction que l'on a reçue", "Contests a sanction of one's own"},
        [&](CLI::App* sub, verb::AppealFile& v) {
          appeal(sub, v.sanction, v.text);
          club(sub, v.club)->required();
        });
    verb<verb::AppealSite>(
        app, "site",
        {"Conteste son bannissement de tout le site, ou dit où cela en est",
         "Contests one's ban from the whole site, or says how that stands"},
        [&](CLI::App* sub, verb::AppealSite& v) {
          option(sub, "--login,-l", v.login, {"Le nom de connexion", "The login name"});
          option(sub, "--text", v.text, {"Ce que l'on a à dire", "What one has to say"});
          password(sub, v.password_stdin);
        });
    verb<verb::AppealAnswer>(app, "answer", {"Répond à qui conteste", "Answers who contests"},
                             [&](CLI::App* sub, verb::AppealAnswer& v) {
                               appeal(sub, v.sanction, v.text);
                               whose_appeal(sub, v.club, v.account);
                             });
    verb<verb::AppealDecide>(
        app, "decide",
        {"Tranche : refuse, ou lève la sanction", "Decides: denies, or lifts the sanction"},
        [&](CLI::App* sub, verb::AppealDecide& v) {
          appeal(sub, v.sanction, v.text);
          whose_appeal(sub, v.club, v.account);
          sub->add_flag("--grant", v.grant, in({"Lève la sanction", "Lifts the sanction"}));
        });
    verb<verb::AppealList>(
        app, "list",
        {"Ce qui attend d'être tranché; sans --club, les bannissements du site et ce qui attend "
         "trop "
         "(permanence)",
         "What waits for a decision; without --club, bans from the site and what waits too long "
         "(site staff)"},
        [&](CLI::App* sub, verb::AppealList& v) { club(sub, v.club); });
  }

  void raids(CLI::App* admin) {
    CLI::App* app = group(admin, "raid",
                          {"Le mode alerte : les nouveaux lisent, les invitations attendent",
                           "Raid mode: newcomers read, invitations wait"});
    verb<verb::RaidStart>(
        app, "start", {"Le commence, ou le prolonge", "Starts it, or prolongs it"},
        [&](CLI::App* sub, verb::RaidStart& v) {
          club(sub, v.club)->required();
          option(sub, "--for", v.duration,
                 {"Durée à partir de maintenant : 30min (sans rien dire), 2h; de 5 min à 24 h",
                  "Duration from now on: 30min (when not said), 2h; 5 min to 24 h"})
              ->type_name(in({"DURÉE", "DURATION"}));
          option(sub, "--text", v.text, {"Ce que lira le club", "What the club will read"});
        });
    verb<verb::RaidEnd>(app, "end", {"Y met fin", "Ends it"}, [&](CLI::App* sub, verb::RaidEnd& v) {
      club(sub, v.club)->required();
      option(sub, "--text", v.text, {"Ce que lira le club", "What the club will read"});
    });
    verb<verb::RaidShow>(app, "show",
                         {"Dit s'il dure, et pourquoi", "Says whether it lasts, and why"},
                         [&](CLI::App* sub, verb::RaidShow& v) { club(sub, v.club)->required(); });
  }

  void sandboxes(CLI::App* admin) {
    CLI::App* app = group(admin, "sandbox",
                          {"Un club où s'exercer à modérer", "A club to practise moderating in"});
    const Phrase logins{"Le fichier privé des comptes inventés",
                        "The private file of the invented accounts"};
    verb<verb::SandboxCreate>(
        app, "create",
        {"Crée le club et ses membres inventés (personnel du site)",
         "Makes the club and its invented members (site staff)"},
        [&](CLI::App* sub, verb::SandboxCreate& v) {
          option(sub, "slug", v.slug,
                 {"Nom court, au plus 20 lettres", "Short name, at most 20 letters"})
              ->required();
          option(sub, "--logins", v.logins_file, logins)->required();
          option(sub, "--name,-n", v.name, {"Le nom", "The name"});
          word(sub, "--language", v.language, language_from, "fr|en",
               {"La langue de ce qui s'y dit", "The language of what is said in it"});
        });
    verb<verb::SandboxRun>(
        app, "run",
        {"Y fait bavarder, se disputer et inonder, pour qu'on intervienne",
         "Has people chat, quarrel and flood in it, to be acted on"},
        [&](CLI::App* sub, verb::SandboxRun& v) {
          club(sub, v.club)->required();
          room(sub, v.room);
          option(sub, "--logins", v.logins_file, logins)->required();
          option(sub, "--seed", v.seed,
                 {"Le même nombre rejoue la même scène", "The same number plays the same scene"});
          option(sub, "--speed,-x", v.speed,
                 {"Fois la vitesse ordinaire; 0 = sans attendre",
                  "Times the usual speed; 0 = without waiting"})
              ->check(CLI::Range(0.0, 1e6))
              ->type_name("X");
        });
    verb<verb::SandboxReset>(
        app, "reset",
        {"Efface ce qui s'y est dit et décidé (personnel du site)",
         "Clears what was said and decided in it (site staff)"},
        [&](CLI::App* sub, verb::SandboxReset& v) { club(sub, v.club)->required(); });
  }

  // In a club, or the ban of an account from the site.
  void whose_appeal(CLI::App* sub, std::string& club_name, std::uint64_t& account) {
    auto* of_club = club(sub, club_name);
    auto* of_account = option(
        sub, "--account", account,
        {"Le compte, d'un bannissement de tout le site", "The account, of a ban from the site"});
    of_account->excludes(of_club);
  }

  void appeal(CLI::App* sub, std::uint64_t& sanction, std::string& text) {
    option(sub, "sanction", sanction, {"Le numéro de la sanction", "The sanction's number"})
        ->required();
    option(sub, "--text", text, {"Ce que l'on a à dire", "What one has to say"})->required();
  }

  void charters(CLI::App* admin) {
    CLI::App* app = group(admin, "charter", {"La charte d'un club", "A club's charter"});
    verb<verb::CharterShow>(
        app, "show",
        {"Montre la charte d'un club; sans --club ni --code, celle que le programme apporte",
         "Shows a club's charter; without --club and --code, the one that comes with the program"},
        [&](CLI::App* sub, verb::CharterShow& v) {
          club(sub, v.club);
          option(sub, "--code", v.code,
                 {"Le code d'une invitation : avant d'entrer",
                  "An invitation's code: before joining"});
          option(sub, "--version", v.version, {"Une version plus ancienne", "An older version"});
          sub->add_flag("--toml", v.toml,
                        in({"Comme un fichier, à modifier", "As a file, to change"}));
        });
    verb<verb::CharterCheck>(
        app, "check", {"Vérifie un fichier, sans rien proposer", "Checks a file, proposes nothing"},
        [&](CLI::App* sub, verb::CharterCheck& v) {
          option(sub, "file", v.file, {"Le fichier TOML", "The TOML file"})->required();
        });
    verb<verb::CharterPropose>(
        app, "propose",
        {"Propose une charte : une deuxième voix du comité la met en vigueur",
         "Proposes a charter: a second member of the committee puts it in force"},
        [&](CLI::App* sub, verb::CharterPropose& v) {
          option(sub, "file", v.file,
                 {"Le fichier TOML; sans lui, la charte que le programme apporte",
                  "The TOML file; without one, the charter that comes with the program"});
          club(sub, v.club)->required();
          option(sub, "--text", v.text, {"Pourquoi", "Why"});
        });
    verb<verb::CharterAccept>(
        app, "accept", {"Accepte la charte en vigueur", "Accepts the charter in force"},
        [&](CLI::App* sub, verb::CharterAccept& v) {
          club(sub, v.club)->required();
          option(sub, "--version", v.version,
                 {"La version lue; sinon, elle est montrée", "The version read; else it is shown"});
        });
  }

  void proposals(CLI::App* admin) {
    CLI::App* app =
        group(admin, "proposal",
              {"Ce qui demande deux membres du comité", "What takes two of the committee"});
    verb<verb::ProposalList>(
        app, "list", {"Ce qui attend une deuxième voix", "What waits for a second member"},
        [&](CLI::App* sub, verb::ProposalList& v) {
          club(sub, v.club)->required();
          sub->add_flag("--all", v.all, in({"Celles qui sont closes aussi", "Closed ones too"}));
        });
    verb<verb::ProposalShow>(
        app, "show",
        {"Une proposition en entier : son texte, ses preuves, les règles d'une charte",
         "One proposal in full: its text, its evidence, a charter's rules"},
        [&](CLI::App* sub, verb::ProposalShow& v) { proposal(sub, v.proposal, v.club); });
    verb<verb::ProposalConfirm>(app, "confirm",
                                {"Confirme ce qu'un autre a proposé : cela se fait aussitôt",
                                 "Confirms what another proposed: it is done at once"},
                                [&](CLI::App* sub, verb::ProposalConfirm& v) {
                                  proposal(sub, v.proposal, v.club);
                                  option(sub, "--text", v.text,
                                         {"Pour le comité", "For the committee"});
                                });
    verb<verb::ProposalDecline>(
        app, "decline", {"Écarte ce qu'un autre a proposé", "Declines what another proposed"},
        [&](CLI::App* sub, verb::ProposalDecline& v) {
          proposal(sub, v.proposal, v.club);
          option(sub, "--text", v.text, {"Pourquoi, pour le comité", "Why, for the committee"})
              ->required();
        });
    verb<verb::ProposalWithdraw>(
        app, "withdraw", {"Retire sa propre proposition", "Takes one's own proposal back"},
        [&](CLI::App* sub, verb::ProposalWithdraw& v) { proposal(sub, v.proposal, v.club); });
  }

  void proposal(CLI::App* sub, std::uint64_t& number, std::string& club_name) {
    option(sub, "proposal", number, {"Son numéro", "Its number"})->required();
    club(sub, club_name)->required();
  }

  void tokens(CLI::App* admin) {
    CLI::App* app =
        group(admin, "token", {"Les appareils connectés", "Devices that are logged in"});
    verb<verb::TokenList>(app, "list", {"Liste ses propres appareils", "Lists one's own devices"});
    verb<verb::TokenRevoke>(
        app, "revoke",
        {"Déconnecte un appareil en moins d'une seconde", "Logs a device out within a second"},
        [&](CLI::App* sub, verb::TokenRevoke& v) {
          option(sub, "token", v.token, {"Son numéro", "Its number"});
          option(sub, "--login,-l", v.login,
                 {"D'un autre compte (personnel du site)", "Of another account (site staff)"});
          sub->add_flag("--all", v.all,
                        in({"Tous les appareils du compte", "All devices of the account"}));
        });
  }

  v1::Language language_;
  CLI::App app_;
  CommonOptions common_;
  std::optional<Verb> verb_;
};

}  // namespace

std::expected<Invocation, Printed> parse_arguments(std::vector<std::string> arguments) {
  auto invocation = CommandLine(wanted_language(arguments)).parse(std::move(arguments));
  if (!invocation) return invocation;
  CommonOptions& common = invocation->common;
  common.url = websocket_url(common.url);
  if (const std::string token = from_environment("AMICALE_TOKEN"); !token.empty()) {
    const auto bytes = token_from_text(token);
    if (!bytes) {
      return std::unexpected(Printed{
          "amicale: " + std::string(phrase::token_unreadable.in(common.language)) + "\n", kUsage});
    }
    common.token = *bytes;
  }
  return invocation;
}

}  // namespace amicale::admin
