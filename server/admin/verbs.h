// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What `amicale` can be asked to do: one plain value for each verb of the command line. arguments.cc makes them, the
// run() of each does it and returns the exit code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "amicale/v1/common.pb.h"
#include "amicale/v1/state.pb.h"

namespace amicale::admin {

class Console;

// Documented in `amicale --help`.
enum ExitCode { kDone = 0, kRefused = 1, kUsage = 2, kNoConnection = 3 };

namespace verb {

// What site staff and supervisors may do for a committee.
struct ForCommittee {
  std::string behalf;  // "committee", or an officer; empty: for oneself
};

// --- One's own session
struct Login {
  std::string login;
  std::string device;
  bool password_stdin = false;
};
struct Logout {};
struct WhoAmI {};
struct Join {
  std::string link{}, login{}, name{};
  std::uint64_t charter = 0;  // the version that is accepted; 0: shown, and asked
  bool password_stdin = false;
};
struct Password {
  bool password_stdin = false;
};
struct Call {
  std::string request, json;
};
struct Chat {
  std::string club, room;
};

// --- Long work
struct ImportIrc {
  std::vector<std::string> files;
  std::string club, room, date;
  std::string annotations;  // auto, none, or a file
};
struct Replay {
  std::string file, club, room, logins_file;
  double speed = 1;
  std::uint64_t limit = 0;
};

// --- Offline, on a data folder
struct SiteCreate {
  std::string data, name, owner, display_name;
  bool password_stdin = false;
};
struct Restore {
  std::string backup, data;
};
struct Verify {
  std::string data;
};
struct Rebuild {
  std::string data;
  bool accept_loss = false;
};

// --- The provable log
struct AuditVerify {
  std::string file, data, key, pinned;
};
struct AuditExport {
  std::string club, file, data;
};
struct AuditProve {
  std::string club, member, file;
};
struct AuditRotate {
  std::string data;
};

// --- Anti-spam, on files
struct SpamTrain {
  std::vector<std::string> folders, chat_logs;
  std::string data;
  std::string output;
  std::uint32_t version = 0;
};
struct SpamEval {
  std::string folder, mails, chat_logs;
  bool shipped = false, verbose = false;
};
struct SpamReplay {
  std::string data, club, since, rules, model;
};
struct SpamTrust {
  std::string club, member;  // no member: oneself
};
struct SpamCheck {
  std::string text, rules, model;
  std::uint32_t trust = 0;
};

// --- Against a running server
struct SiteRole {
  std::string login;
  v1::SiteRole role = v1::SITE_ROLE_UNSPECIFIED;
};
struct Backup {
  std::string name;
};
struct Stats {
  std::string filter;
};
struct ClubCreate {
  std::string slug, name, purpose;
  v1::ClubKind kind = v1::CLUB_KIND_UNSPECIFIED;
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
  std::uint32_t capacity = 0;
};
struct ClubList {};
struct ClubChange {
  std::string club;
  std::optional<std::string> name, purpose;
  std::optional<v1::Language> language;
  std::optional<std::uint32_t> capacity;
  std::optional<bool> watch;  // what may start by itself
};
struct RoomCreate {
  std::string club, name, topic;
  v1::RoomAccess access = v1::ROOM_ACCESS_ALL;
  std::vector<v1::ClubRole> roles;
};
struct RoomList {
  std::string club;
};
struct RoomChange : ForCommittee {
  std::string club, room;
  std::optional<std::string> name, topic;
  std::optional<v1::RoomAccess> access;
  std::vector<v1::ClubRole> roles;
  std::optional<bool> archived, locked;
  std::string slow, reason;  // slow: as typed; empty = left as it is
};
struct InviteCreate {
  std::string club, note;
  v1::ClubRole role = v1::CLUB_ROLE_MEMBER;
  std::uint32_t uses = 1, hours = 0;
  bool needs_decision = false;
};
struct InviteList {
  std::string club;
};
struct HeldList {
  std::string club;
  bool reviewed = false;
};
struct HeldReview {
  std::string club, reason;
  std::uint64_t held = 0;
  bool release = false;
};
struct InviteRevoke {
  std::string club;
  std::uint64_t invitation = 0;
};
struct RoleSet {
  std::string club, member, reason;
  v1::ClubRole role = v1::CLUB_ROLE_UNSPECIFIED;
};
struct MemberList {
  std::string club, contains;
};
struct MemberImport {
  std::string club, file, links_file;
  bool dry_run = false;
};
struct MemberAdd {
  std::string club, login, name, external_id;
  v1::ClubRole role = v1::CLUB_ROLE_MEMBER;
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
};
struct MemberStatusSet : ForCommittee {
  std::string club, member, reason;
  v1::MemberStatus status = v1::MEMBER_STATUS_UNSPECIFIED;
};
struct SanctionImpose : ForCommittee {
  std::string club, room, member, text, note;  // without a club: of the whole site
  std::string duration;                        // as typed
  std::vector<std::string> messages;           // ROOM:NUMBER
  v1::SanctionKind kind = v1::SANCTION_KIND_UNSPECIFIED;
  v1::ReasonCode reason = v1::REASON_CODE_UNSPECIFIED;
};
struct SanctionLift : ForCommittee {
  std::string club, member, text;  // without a club: of the whole site, and whose
  std::uint64_t sanction = 0;
};
struct SanctionList {
  std::string club, member;  // without a club: one's own
  bool standing = false;
};
struct RemovalRun : ForCommittee {
  std::string club, member, room, since, text;  // since: as typed; without a member: newcomers
  bool newcomers = false;
  v1::ReasonCode reason = v1::REASON_CODE_UNSPECIFIED;
  bool dry_run = false;
};
struct RemovalUndo : ForCommittee {
  std::string club;
  std::uint64_t removal = 0;
};
struct RemovalList {
  std::string club;
};
struct RaidStart : ForCommittee {
  std::string club, duration, text;  // duration: as typed; empty: half an hour
};
struct RaidEnd : ForCommittee {
  std::string club, text;
};
struct RaidShow {
  std::string club;
};
struct SandboxCreate {
  std::string slug, name, logins_file;
  v1::Language language = v1::LANGUAGE_UNSPECIFIED;
};
struct SandboxRun {
  std::string club, room, logins_file;  // without a room: the first that is open to all
  std::uint64_t seed = 1;
  double speed = 1;
};
struct SandboxReset {
  std::string club;
};
struct ReportFile {
  std::string club, member, message, text;  // message: ROOM:NUMBER
  v1::ReasonCode reason = v1::REASON_CODE_UNSPECIFIED;
};
struct ReportList {
  std::string club;  // empty: of bans from the site, and of all clubs what waits too long
  bool resolved = false, mine = false;
};
struct ReportClaim {
  std::string club;
  std::uint64_t report = 0;
  bool release = false;
};
struct ReportResolve : ForCommittee {
  std::string club, text;
  std::uint64_t report = 0, sanction = 0;
  bool acted = false;
};
struct AppealFile {
  std::string club, text;
  std::uint64_t sanction = 0;
};
struct AppealSite {
  std::string login, text;  // an empty text: only where it stands
  bool password_stdin = false;
};
struct AppealAnswer : ForCommittee {
  std::string club, text;
  std::uint64_t sanction = 0, account = 0;  // without a club: whose ban from the site
};
struct AppealDecide : ForCommittee {
  std::string club, text;
  std::uint64_t sanction = 0, account = 0;
  bool grant = false;
};
struct AppealList {
  std::string club;  // empty: of all clubs, what waits too long
};
struct ProposalList {
  std::string club;
  bool all = false;
};
struct ProposalShow {
  std::string club;
  std::uint64_t proposal = 0;
};
struct ProposalConfirm {
  std::string club, text;
  std::uint64_t proposal = 0;
};
struct ProposalDecline {
  std::string club, text;
  std::uint64_t proposal = 0;
};
struct ProposalWithdraw {
  std::string club;
  std::uint64_t proposal = 0;
};
struct CharterShow {
  std::string club, code;  // neither: the one that comes with the server
  std::uint64_t version = 0;
  bool toml = false;
};
struct CharterCheck {
  std::string file;
};
struct CharterPropose : ForCommittee {
  std::string file, club, text;  // file empty: the one that comes with the server
};
struct CharterAccept {
  std::string club;
  std::uint64_t version = 0;  // 0: shown, and asked
};
struct SanctionSuggest {
  std::string member, club;
  v1::ReasonCode reason = v1::REASON_CODE_UNSPECIFIED;
};
struct TokenList {};
struct TokenRevoke {
  std::uint64_t token = 0;
  std::string login;
  bool all = false;
};

}  // namespace verb

using Verb = std::variant<
    verb::Login, verb::Logout, verb::WhoAmI, verb::Join, verb::Password, verb::Call, verb::Chat,
    verb::ImportIrc, verb::Replay, verb::SiteCreate, verb::Restore, verb::Verify, verb::Rebuild,
    verb::SiteRole, verb::Backup, verb::Stats, verb::ClubCreate, verb::ClubList, verb::ClubChange,
    verb::RoomCreate, verb::RoomList, verb::RoomChange, verb::InviteCreate, verb::InviteList,
    verb::InviteRevoke, verb::RoleSet, verb::MemberList, verb::MemberImport, verb::MemberAdd,
    verb::MemberStatusSet, verb::SanctionImpose, verb::SanctionLift, verb::SanctionList,
    verb::RemovalRun, verb::RemovalUndo, verb::RemovalList, verb::ReportFile, verb::ReportList,
    verb::ReportClaim, verb::ReportResolve, verb::AppealFile, verb::AppealSite, verb::AppealAnswer,
    verb::AppealDecide, verb::AppealList, verb::ProposalList, verb::ProposalShow,
    verb::ProposalConfirm, verb::ProposalDecline, verb::ProposalWithdraw, verb::CharterShow,
    verb::CharterCheck, verb::CharterPropose, verb::CharterAccept, verb::SanctionSuggest,
    verb::RaidStart, verb::RaidEnd, verb::RaidShow, verb::SandboxCreate, verb::SandboxRun,
    verb::SandboxReset, verb::TokenList, verb::TokenRevoke, verb::AuditVerify, verb::AuditExport,
    verb::AuditProve, verb::AuditRotate, verb::SpamTrain, verb::SpamEval, verb::SpamCheck,
    verb::SpamReplay, verb::SpamTrust, verb::HeldList, verb::HeldReview>;

// A charter as people read it; for whoever shows one before it is accepted.
void print_charter(const Console& console, const v1::Charter& charter);

int run(const verb::Login&, Console&);
int run(const verb::Logout&, Console&);
int run(const verb::WhoAmI&, Console&);
int run(const verb::Join&, Console&);
int run(const verb::Password&, Console&);
int run(const verb::Call&, Console&);
int run(const verb::Chat&, Console&);
int run(const verb::ImportIrc&, Console&);
int run(const verb::Replay&, Console&);
int run(const verb::SiteCreate&, Console&);
int run(const verb::Restore&, Console&);
int run(const verb::Verify&, Console&);
int run(const verb::Rebuild&, Console&);
int run(const verb::SiteRole&, Console&);
int run(const verb::Backup&, Console&);
int run(const verb::Stats&, Console&);
int run(const verb::ClubCreate&, Console&);
int run(const verb::ClubList&, Console&);
int run(const verb::ClubChange&, Console&);
int run(const verb::RoomCreate&, Console&);
int run(const verb::RoomList&, Console&);
int run(const verb::RoomChange&, Console&);
int run(const verb::InviteCreate&, Console&);
int run(const verb::InviteList&, Console&);
int run(const verb::InviteRevoke&, Console&);
int run(const verb::RoleSet&, Console&);
int run(const verb::MemberList&, Console&);
int run(const verb::MemberImport&, Console&);
int run(const verb::MemberAdd&, Console&);
int run(const verb::MemberStatusSet&, Console&);
int run(const verb::SanctionImpose&, Console&);
int run(const verb::SanctionLift&, Console&);
int run(const verb::SanctionList&, Console&);
int run(const verb::RemovalRun&, Console&);
int run(const verb::RemovalUndo&, Console&);
int run(const verb::RemovalList&, Console&);
int run(const verb::ReportFile&, Console&);
int run(const verb::ReportList&, Console&);
int run(const verb::ReportClaim&, Console&);
int run(const verb::ReportResolve&, Console&);
int run(const verb::AppealFile&, Console&);
int run(const verb::AppealSite&, Console&);
int run(const verb::AppealAnswer&, Console&);
int run(const verb::AppealDecide&, Console&);
int run(const verb::AppealList&, Console&);
int run(const verb::ProposalList&, Console&);
int run(const verb::ProposalShow&, Console&);
int run(const verb::ProposalConfirm&, Console&);
int run(const verb::ProposalDecline&, Console&);
int run(const verb::ProposalWithdraw&, Console&);
int run(const verb::CharterShow&, Console&);
int run(const verb::CharterCheck&, Console&);
int run(const verb::CharterPropose&, Console&);
int run(const verb::CharterAccept&, Console&);
int run(const verb::SanctionSuggest&, Console&);
int run(const verb::RaidStart&, Console&);
int run(const verb::RaidEnd&, Console&);
int run(const verb::RaidShow&, Console&);
int run(const verb::SandboxCreate&, Console&);
int run(const verb::SandboxRun&, Console&);
int run(const verb::SandboxReset&, Console&);
int run(const verb::TokenList&, Console&);
int run(const verb::TokenRevoke&, Console&);
int run(const verb::AuditVerify&, Console&);
int run(const verb::AuditExport&, Console&);
int run(const verb::AuditProve&, Console&);
int run(const verb::AuditRotate&, Console&);
int run(const verb::SpamTrain&, Console&);
int run(const verb::SpamEval&, Console&);
int run(const verb::SpamCheck&, Console&);
int run(const verb::SpamReplay&, Console&);
int run(const verb::SpamTrust&, Console&);
int run(const verb::HeldList&, Console&);
int run(const verb::HeldReview&, Console&);

}  // namespace amicale::admin
