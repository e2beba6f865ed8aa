// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/accounts.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "server/auth/token.h"
#include "server/commands/moderation.h"
#include "server/commands/names.h"
#include "server/domain/account.h"
#include "server/domain/limits.h"
#include "server/domain/membership.h"
#include "server/domain/site.h"
#include "server/domain/text.h"
#include "server/queries/reading.h"

namespace amicale::commands {
namespace {

using domain::Decision;
using domain::Result;
using log::Deciding;
using storage::PartitionId;

constexpr uint32_t retry_hash_ms = 1'000;  // a full pool is worked off in about this time

struct NewToken {
  std::string token;
  uint64_t token_id = 0;
};

Answer<NewToken> issue_token(Gate& gate, uint64_t account, std::string device_name,
                             v1::ClientFrame::BodyCase kind) {
  std::string token = auth::make_token();
  std::string hash = auth::digest(token);
  Decide decide = [hash, device_name](const Deciding& now) {
    return domain::issue_token(now.account(), hash, device_name, now.now_ms);
  };
  auto outcome = co_await commit_step(gate, account, PartitionId::account(account), kind,
                                      fresh_msg_id(), "token", std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  co_return NewToken{std::move(token), outcome->committed.object_id()};
}

// The throttle lives on the home shard of the site.
runtime::Shard& throttle_shard(Gate& gate) {
  return *gate.site.shards()[gate.site.home_of(PartitionId::site())];
}

// Counts an attempt to prove a password or a code, and says no when there were too many.
Answer<std::monostate> count_attempt(Gate& gate, std::string login, std::string address) {
  auto attempt = [&gate, login, address] {
    return gate.throttle.attempt(login, address, gate.clock.steady_ms());
  };
  std::optional<int64_t> wait = co_await throttle_shard(gate).call(std::move(attempt));
  if (wait) spdlog::warn("tries limited address={} wait_ms={}", address, *wait);
  if (wait) co_return domain::rate_limited("login.tries", static_cast<uint32_t>(*wait));
  co_return std::monostate{};
}

// The attempt was right: only wrong ones count.
runtime::Task<> forgive_attempt(Gate& gate, std::string login, std::string address) {
  auto forgive = [&gate, login, address] { gate.throttle.succeeded(login, address); };
  co_await throttle_shard(gate).call(std::move(forgive));
}

// The attempt was not made: a server too busy to look at a password must not lock its owner out.
runtime::Task<> take_back_attempt(Gate& gate, std::string login, std::string address) {
  auto take_back = [&gate, login, address] { gate.throttle.not_made(login, address); };
  co_await throttle_shard(gate).call(std::move(take_back));
}

std::unexpected<domain::Refusal> pool_full() {
  domain::Refusal refusal{.code = v1::REFUSAL_CODE_OVERLOADED, .rule_id = "login.pool"};
  refusal.retry_after_ms = retry_hash_ms;
  return std::unexpected(std::move(refusal));
}

// Uses an invitation in the partition whose log holds it.
Answer<log::Outcome> use_invitation(Gate& gate, const store::InvitationRow& row, uint64_t account,
                                    uint64_t charter_version, v1::ClientFrame::BodyCase kind,
                                    std::string client_msg_id) {
  auto where = storage::partition_of(row.stream());
  if (!where) co_return domain::not_found();
  const std::string name =
      gate.view().account(account).value_or(store::AccountRow{}).display_name();
  Decide decide = [where = *where, hash = row.code_hash(), account, charter_version, name,
                   shield = gate.shield](const Deciding& now) -> Result<Decision> {
    auto fresh = now.facts.invitation_by_hash(hash);
    if (where.kind == v1::STREAM_KIND_SITE) {
      return domain::use_site_invitation(fresh ? &*fresh : nullptr, account, now.now_ms);
    }
    auto member = now.facts.member(where.id, account);
    domain::InvitationUse use{.invitation = fresh ? &*fresh : nullptr,
                              .member = member ? &*member : nullptr,
                              .account_id = account,
                              .display_name = name,
                              .charter_version = charter_version,
                              .watch = now.watch};
    auto decision = domain::use_invitation(now.club(), use, now.now_ms);
    // Whom the club itself put on its list comes under the name that it gave them.
    if (decision && fresh && fresh->account_id() == 0) {
      auto own = check_entering_name(now, shield, fresh->invitation().role(), account, name);
      if (!own) return std::unexpected(own.error());
    }
    return decision;
  };
  co_return co_await commit_step(gate, account, *where, kind, client_msg_id, "invitation",
                                 std::move(decide));
}

v1::MemberStatus status_in(const Gate& gate, uint64_t club, uint64_t account) {
  auto member = gate.view().member(club, account);
  return member ? member->status() : v1::MEMBER_STATUS_UNSPECIFIED;
}

}  // namespace

Answer<uint64_t> prove_account(Gate& gate, Caller caller, std::string login, std::string password) {
  if (login.size() > domain::limits::login_bytes ||
      password.size() > domain::limits::password_max_bytes) {
    co_return domain::refuse(v1::REFUSAL_CODE_BAD_CREDENTIALS);
  }
  auto counted = co_await count_attempt(gate, login, caller.address);
  if (!counted) co_return std::unexpected(counted.error());
  auto account = gate.view().account_id_by_login(login);
  auto row = account ? gate.view().account(*account) : std::nullopt;
  // Unknown logins are verified too, against a decoy: the answer takes as long.
  auto matches = co_await gate.passwords.verify(password, row ? row->password_hash() : "");
  if (!matches) {
    co_await take_back_attempt(gate, login, caller.address);
    co_return pool_full();
  }
  if (!*matches) {
    spdlog::warn("login failed connection={} address={} account={}", caller.connection_id,
                 caller.address, account.value_or(0));
    co_return domain::refuse(v1::REFUSAL_CODE_BAD_CREDENTIALS);
  }
  co_await forgive_attempt(gate, login, caller.address);
  co_return *account;
}

Answer<v1::LoginReply> login(Gate& gate, Caller caller, const v1::Login& request) {
  auto account = co_await prove_account(gate, caller, request.login(), request.password());
  if (!account) co_return std::unexpected(account.error());
  auto token = co_await issue_token(gate, *account, request.device_name(), v1::ClientFrame::kLogin);
  if (!token) co_return std::unexpected(token.error());
  v1::LoginReply reply;
  reply.set_token(token->token);
  reply.set_token_id(token->token_id);
  reply.set_account_id(*account);
  co_return reply;
}

Answer<log::Outcome> open_account(Gate& gate, uint64_t account, Opening opening,
                                  v1::ClientFrame::BodyCase kind, std::string client_msg_id) {
  Decide decide = [opening, account](const Deciding& now) -> Result<Decision> {
    // The row may hold the site's half already; opened is whose own log has begun.
    if (now.facts.head(PartitionId::account(account)).seq() != 0) return Decision{};
    return domain::open_account(domain::AccountState(account),
                                {.login = opening.login,
                                 .display_name = opening.display_name,
                                 .language = opening.language});
  };
  co_return co_await commit_step(gate, account, PartitionId::account(account), kind, client_msg_id,
                                 "open", std::move(decide));
}

namespace {

Answer<v1::RegisterReply> register_one(Gate& gate, Caller caller, const v1::Register& request);

}  // namespace

Answer<v1::RegisterReply> register_account(Gate& gate, Caller caller, const v1::Register& request) {
  // An account is made before its invitation is used up, so no more may be under way for one code than it has uses left:
  // who comes too late must not leave an account behind.
  auto* shard = gate.site.shards()[gate.site.home_of(PartitionId::site())];
  const std::string hash = auth::digest(request.code());
  auto enter = [&gate, hash] {
    auto row = gate.view().invitation_by_hash(hash);
    const uint32_t left = row && row->invitation().uses() < row->invitation().max_uses()
                              ? row->invitation().max_uses() - row->invitation().uses()
                              : 1;
    uint32_t& under_way = gate.registering[hash];
    if (under_way >= left) return false;
    ++under_way;
    return true;
  };
  if (!co_await shard->call(std::move(enter))) {
    domain::Refusal refusal{.code = v1::REFUSAL_CODE_OVERLOADED};
    refusal.retry_after_ms = retry_hash_ms;
    co_return std::unexpected(std::move(refusal));
  }
  domain::Result<v1::RegisterReply> answer;
  std::exception_ptr failed;
  try {
    answer = co_await register_one(gate, std::move(caller), request);
  } catch (...) {
    failed = std::current_exception();
  }
  auto leave = [&gate, hash] {
    auto found = gate.registering.find(hash);
    if (found != gate.registering.end() && --found->second == 0) gate.registering.erase(found);
  };
  co_await shard->call(std::move(leave));
  if (failed) std::rethrow_exception(failed);
  co_return answer;
}

namespace {

Answer<v1::RegisterReply> register_one(Gate& gate, Caller caller, const v1::Register& request) {
  constexpr auto kind = v1::ClientFrame::kRegister;
  if (auto right = domain::check_client_msg_id(request.client_msg_id()); !right) {
    co_return std::unexpected(right.error());
  }
  if (auto right = domain::check_password(request.password()); !right) {
    co_return std::unexpected(right.error());
  }
  auto counted = co_await count_attempt(gate, "", caller.address);
  if (!counted) co_return std::unexpected(counted.error());
  auto row = gate.view().invitation_by_hash(auth::digest(request.code()));
  // What is done so far is bound to the code as well: knowing somebody's client_msg_id opens nothing.
  const std::string id = auth::digest(request.client_msg_id() + request.code())
                             .substr(0, domain::limits::client_msg_id_bytes);
  uint64_t account = row ? row->account_id() : 0;
  Opening opening{request.login(), request.display_name(), request.language()};
  // A repeat after the invitation was used finds its own first steps, and finishes them.
  auto registered = gate.view().idempotency(PartitionId::site(), 0, step_msg_id(id, "account"));
  if (account == 0 && registered) account = registered->committed().object_id();
  bool used = false;
  if (row && account != 0) {
    auto where = storage::partition_of(row->stream());
    used = where &&
           gate.view().idempotency(*where, account, step_msg_id(id, "invitation")).has_value();
  }
  if (!used) {
    auto opens = domain::check_invitation(row ? &*row : nullptr, account, gate.clock.now_ms());
    if (!opens) co_return std::unexpected(opens.error());
  }
  co_await forgive_attempt(gate, "", caller.address);
  if (row->account_id() == 0) {
    // What the club would say no to (no such office vacant, …) is said before an account exists.
    if (!used && row->stream().kind() == v1::STREAM_KIND_CLUB) {
      Decide trying = [hash = row->code_hash(), charter_version = request.charter_version(),
                       shield = gate.shield,
                       name = request.display_name()](const Deciding& now) -> Result<Decision> {
        auto fresh = now.facts.invitation_by_hash(hash);
        domain::InvitationUse use{.invitation = fresh ? &*fresh : nullptr,
                                  .member = nullptr,
                                  .account_id = 0,
                                  .display_name = {},
                                  .charter_version = charter_version};
        auto decision = domain::use_invitation(now.club(), use, now.now_ms);
        if (decision && fresh) {
          auto own = check_entering_name(now, shield, fresh->invitation().role(), 0, name);
          if (!own) return std::unexpected(own.error());
        }
        if (decision) decision->events.clear();
        return decision;
      };
      auto tried = co_await commit_step(gate, 0, PartitionId::club(row->stream().id()), kind,
                                        fresh_msg_id(), "try", std::move(trying));
      if (!tried) co_return std::unexpected(tried.error());
    }
    if (auto right = domain::check_login(request.login()); !right)
      co_return std::unexpected(right.error());
    Decide decide = [&request](const Deciding& now) {
      domain::NewAccount fresh{
          .login = request.login(),
          .display_name = request.display_name(),
          .external_id = {},
          .login_taken = now.facts.account_id_by_login(request.login()).has_value()};
      return domain::register_account(now.site(), fresh);
    };
    auto outcome =
        co_await commit_step(gate, 0, PartitionId::site(), kind, id, "account", std::move(decide));
    if (!outcome) co_return std::unexpected(outcome.error());
    account = outcome->committed.object_id();
  }
  auto opened = co_await open_account(gate, account, opening, kind, id);
  if (!opened) co_return std::unexpected(opened.error());
  auto use = co_await use_invitation(gate, *row, account, request.charter_version(), kind, id);
  if (!use) co_return std::unexpected(use.error());
  auto hash = co_await gate.passwords.hash(request.password());
  if (!hash) co_return pool_full();
  Decide decide = [hash = *hash, account](const Deciding& now) -> Result<Decision> {
    // A second activation code, from another club, must not open an account that is in use.
    auto row = now.facts.account(account);
    if (row && !row->password_hash().empty()) return domain::refuse(v1::REFUSAL_CODE_EXPIRED);
    return domain::set_password(now.account(), hash, 0);
  };
  auto set = co_await commit_step(gate, account, PartitionId::account(account), kind, id,
                                  "password", std::move(decide));
  if (!set) co_return std::unexpected(set.error());
  auto token = co_await issue_token(gate, account, request.device_name(), kind);
  if (!token) co_return std::unexpected(token.error());
  v1::RegisterReply reply;
  reply.set_token(token->token);
  reply.set_token_id(token->token_id);
  reply.set_account_id(account);
  if (row->stream().kind() == v1::STREAM_KIND_CLUB) {
    reply.set_club_id(row->stream().id());
    reply.set_status(status_in(gate, reply.club_id(), account));
  }
  co_return reply;
}

}  // namespace

Answer<v1::AcceptInvitationReply> accept_invitation(Gate& gate, Caller caller,
                                                    const v1::AcceptInvitation& request) {
  constexpr auto kind = v1::ClientFrame::kAcceptInvitation;
  if (auto right = domain::check_client_msg_id(request.client_msg_id()); !right) {
    co_return std::unexpected(right.error());
  }
  auto counted = co_await count_attempt(gate, "", caller.address);
  if (!counted) co_return std::unexpected(counted.error());
  auto row = gate.view().invitation_by_hash(auth::digest(request.code()));
  // Somebody else's activation code is as unknown as one that does not exist, and is so in the same time.
  const bool foreign = row && row->account_id() != 0 && row->account_id() != caller.account_id;
  if (!row || foreign) co_return domain::not_found();
  co_await forgive_attempt(gate, "", caller.address);
  auto use = co_await use_invitation(gate, *row, caller.account_id, request.charter_version(), kind,
                                     request.client_msg_id());
  if (!use) co_return std::unexpected(use.error());
  v1::AcceptInvitationReply reply;
  if (row->stream().kind() == v1::STREAM_KIND_CLUB) {
    reply.set_club_id(row->stream().id());
    auto told = co_await notice_membership(gate, caller, kind, request.client_msg_id(),
                                           reply.club_id(), caller.account_id);
    if (!told) co_return std::unexpected(told.error());
    reply.set_status(status_in(gate, reply.club_id(), caller.account_id));
  }
  co_return reply;
}

Answer<log::Outcome> notice_membership(Gate& gate, Caller caller, v1::ClientFrame::BodyCase kind,
                                       std::string client_msg_id, uint64_t club, uint64_t account) {
  auto member = gate.view().member(club, account).value_or(v1::Member{});
  Decide decide = [club, member](const Deciding&) -> Result<Decision> {
    return domain::notice_membership(club, member.role(), member.status());
  };
  co_return co_await commit_step(gate, caller.account_id, PartitionId::account(account), kind,
                                 client_msg_id, "notice", std::move(decide));
}

Answer<v1::Committed> change_password(Gate& gate, Caller caller,
                                      const v1::ChangePassword& request) {
  if (auto right = domain::check_password(request.new_password(), "new_password"); !right) {
    co_return std::unexpected(right.error());
  }
  auto row = gate.view().account(caller.account_id);
  if (!row) co_return domain::not_found();
  // Counted apart from logins: a device that is in already is guessed on from within.
  const std::string self = "#" + std::to_string(caller.account_id);
  auto counted = co_await count_attempt(gate, self, self);
  if (!counted) co_return std::unexpected(counted.error());
  auto matches = co_await gate.passwords.verify(request.old_password(), row->password_hash());
  if (!matches) {
    co_await take_back_attempt(gate, self, self);
    co_return pool_full();
  }
  if (!*matches) co_return domain::refuse(v1::REFUSAL_CODE_BAD_CREDENTIALS);
  co_await forgive_attempt(gate, self, self);
  auto hash = co_await gate.passwords.hash(request.new_password());
  if (!hash) co_return pool_full();
  // Hashing took its time: the device may have been revoked meanwhile, or the password changed by another.
  Decide decide = [hash = *hash, caller,
                   verified = row->password_hash()](const Deciding& now) -> Result<Decision> {
    const auto& live = now.account().tokens();
    if (std::ranges::find(live, caller.token_id) == live.end())
      return domain::refuse(v1::REFUSAL_CODE_UNAUTHENTICATED);
    const auto current = now.facts.account(caller.account_id);
    if (!current || current->password_hash() != verified)
      return domain::refuse(v1::REFUSAL_CODE_BAD_CREDENTIALS);
    return domain::set_password(now.account(), hash, caller.token_id);
  };
  auto outcome =
      co_await commit(gate, caller, PartitionId::account(caller.account_id),
                      v1::ClientFrame::kChangePassword, request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  co_await gate.settled();
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> change_profile(Gate& gate, Caller caller, const v1::ChangeProfile& request) {
  constexpr auto kind = v1::ClientFrame::kChangeProfile;
  Decide decide = [&gate, &request, caller](const Deciding& now) -> Result<Decision> {
    if (request.has_display_name()) {
      auto free = check_free_to_rename(now.facts, caller.account_id, now.now_ms);
      if (!free) return std::unexpected(free.error());
      auto own = check_new_name(now.facts, gate.shield, caller.account_id, request.display_name());
      if (!own) return std::unexpected(own.error());
    }
    return domain::change_profile(now.account(), request);
  };
  auto outcome = co_await commit(gate, caller, PartitionId::account(caller.account_id), kind,
                                 request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  if (request.has_display_name()) {
    auto row = gate.view().account(caller.account_id);
    const std::string name = row ? row->display_name() : request.display_name();
    auto memberships = gate.view().memberships_of(caller.account_id);
    for (const auto& membership : memberships) {
      Decide rename = [club = membership.club_id, caller,
                       name](const Deciding& now) -> Result<Decision> {
        auto member = now.facts.member(club, caller.account_id);
        if (!member) return Decision{};
        return domain::rename_member(
            *member, name,
            domain::actor_in(now.club(), caller.account_id, caller.site_role, now.now_ms));
      };
      auto renamed =
          co_await commit_step(gate, caller.account_id, PartitionId::club(membership.club_id), kind,
                               request.client_msg_id(), "rename", std::move(rename));
      if (!renamed) co_return std::unexpected(renamed.error());
    }
  }
  co_return std::move(outcome->committed);
}

Answer<v1::Committed> revoke_token(Gate& gate, Caller caller, const v1::RevokeToken& request) {
  const uint64_t account = request.account_id() != 0 ? request.account_id() : caller.account_id;
  if (account != caller.account_id) {
    auto allowed = domain::may(domain::actor_on_site(caller.account_id, caller.site_role),
                               domain::Action::revoke_any_token);
    if (!allowed) co_return std::unexpected(allowed.error());
    if (!gate.view().account(account)) co_return domain::not_found();
  }
  Decide decide = [&request](const Deciding& now) {
    return domain::revoke_token(now.account(), request);
  };
  auto outcome =
      co_await commit(gate, caller, PartitionId::account(account), v1::ClientFrame::kRevokeToken,
                      request.client_msg_id(), std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  co_await gate.settled();
  co_return std::move(outcome->committed);
}

Answer<v1::LogoutReply> logout(Gate& gate, Caller caller, const v1::Logout&) {
  v1::RevokeToken request;
  request.set_token_id(caller.token_id);
  Decide decide = [&request](const Deciding& now) {
    return domain::revoke_token(now.account(), request);
  };
  auto outcome =
      co_await commit_step(gate, caller.account_id, PartitionId::account(caller.account_id),
                           v1::ClientFrame::kLogout, fresh_msg_id(), "logout", std::move(decide));
  if (!outcome) co_return std::unexpected(outcome.error());
  co_await gate.settled();
  co_return v1::LogoutReply{};
}

Answer<v1::Committed> mark_read(Gate& gate, Caller caller, const v1::MarkRead& request) {
  auto where = storage::partition_of(request.stream());
  if (!where) co_return domain::bad_request("stream");
  Decide decide = [&request, caller, where = *where](const Deciding& now) -> Result<Decision> {
    auto room = queries::read_room(now.facts, caller, where, request.room_id());
    if (!room) return std::unexpected(room.error());
    auto mark = now.facts.read_mark(caller.account_id, where, request.room_id());
    return domain::mark_read(
        {.marked = mark ? mark->number() : 0, .head_number = room->head_number()}, request);
  };
  co_return committed_of(co_await commit(gate, caller, PartitionId::account(caller.account_id),
                                         v1::ClientFrame::kMarkRead, request.client_msg_id(),
                                         std::move(decide)));
}

Answer<v1::Committed> set_level(Gate& gate, Caller caller, const v1::SetLevel& request) {
  auto where = storage::partition_of(request.stream());
  if (!where) co_return domain::bad_request("stream");
  Decide decide = [&request, caller, where = *where](const Deciding& now) -> Result<Decision> {
    auto room = queries::read_room(now.facts, caller, where, request.room_id());
    if (!room) return std::unexpected(room.error());
    auto level = now.facts.level(caller.account_id, where, request.room_id());
    return domain::set_level(level ? level->level() : v1::NOTIFICATION_LEVEL_UNSPECIFIED, request);
  };
  co_return committed_of(co_await commit(gate, caller, PartitionId::account(caller.account_id),
                                         v1::ClientFrame::kSetLevel, request.client_msg_id(),
                                         std::move(decide)));
}

}  // namespace amicale::commands
