// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/account.h"

#include <string>
#include <utility>

#include "server/domain/limits.h"
#include "server/domain/sanction.h"
#include "server/domain/text.h"

namespace amicale::domain {
namespace {

void add_revoked(Decision& decision, std::uint64_t token_id) {
  decision.add(stream_followers).event.mutable_token_revoked()->set_token_id(token_id);
}

}  // namespace

Decision open_account(const AccountState& account, const NewProfile& profile) {
  Decision decision{.object_id = account.id()};
  if (account.opened()) return decision;
  v1::ProfileChanged& changed = *decision.add(stream_followers).event.mutable_profile_changed();
  changed.set_login(std::string(profile.login));
  changed.set_display_name(check_name(profile.display_name, "display_name", limits::name_characters)
                               .value_or(std::string(profile.display_name)));
  changed.set_language(profile.language);
  changed.set_site_role(profile.site_role);
  return decision;
}

Result<Decision> change_profile(const AccountState& account, const v1::ChangeProfile& request) {
  if (!request.has_display_name() && !request.has_language()) {
    return bad_request("display_name", "account.nothing_to_change");
  }
  v1::ProfileChanged after = account.profile();
  if (request.has_display_name()) {
    Result<std::string> name =
        check_name(request.display_name(), "display_name", limits::name_characters);
    if (!name) return std::unexpected(name.error());
    after.set_display_name(*std::move(name));
  }
  if (request.has_language()) {
    if (!v1::Language_IsValid(request.language())) return bad_request("language");
    after.set_language(request.language());
  }
  Decision decision{.object_id = account.id()};
  const bool same = after.display_name() == account.profile().display_name() &&
                    after.language() == account.profile().language();
  if (!same) *decision.add(stream_followers).event.mutable_profile_changed() = std::move(after);
  return decision;
}

Decision take_site_role(const AccountState& account, v1::SiteRole role) {
  Decision decision{.object_id = account.id()};
  if (account.site_role() == role) return decision;
  v1::ProfileChanged& changed = *decision.add(stream_followers).event.mutable_profile_changed();
  changed = account.profile();
  changed.set_site_role(role);
  return decision;
}

Decision set_password(const AccountState& account, std::string_view password_hash,
                      std::uint64_t kept_token_id) {
  Decision decision{.object_id = account.id()};
  Decided& changed = decision.add(stream_followers);
  changed.event.mutable_password_changed();
  changed.private_part.set_password_hash(std::string(password_hash));
  for (const std::uint64_t token_id : account.tokens()) {
    if (token_id != kept_token_id) add_revoked(decision, token_id);
  }
  return decision;
}

Result<Decision> issue_token(const AccountState& account, std::string_view token_hash,
                             std::string_view device_name, std::int64_t now_ms) {
  if (auto barred = check_not_banned(account, now_ms); !barred) {
    return std::unexpected(barred.error());
  }
  if (auto checked = check_paragraph(device_name, "device_name", limits::device_name_bytes);
      !checked) {
    return std::unexpected(checked.error());
  }
  Decision decision{.object_id = account.last_token_id() + 1};
  const auto& live = account.tokens();
  for (std::size_t i = 0; i + limits::devices_per_account <= live.size(); ++i) {
    add_revoked(decision, live[i]);
  }
  Decided& issued = decision.add(stream_followers);
  issued.event.mutable_token_issued()->set_token_id(decision.object_id);
  issued.event.mutable_token_issued()->set_device_name(std::string(device_name));
  issued.private_part.set_token_hash(std::string(token_hash));
  return decision;
}

Result<Decision> revoke_token(const AccountState& account, const v1::RevokeToken& request) {
  Decision decision{.object_id = request.all() ? 0 : request.token_id()};
  if (request.all()) {
    for (const std::uint64_t token_id : account.tokens()) add_revoked(decision, token_id);
    return decision;
  }
  if (!account.has_token(request.token_id())) return not_found();
  add_revoked(decision, request.token_id());
  return decision;
}

Result<Decision> mark_read(const ReadFacts& facts, const v1::MarkRead& request) {
  if (request.number() > facts.head_number) return bad_request("number", "account.read_beyond");
  Decision decision{.object_id = request.number()};
  if (request.number() <= facts.marked) return decision;
  v1::ReadMark& mark = *decision.add(stream_followers).event.mutable_read_marked()->mutable_mark();
  *mark.mutable_stream() = request.stream();
  mark.set_room_id(request.room_id());
  mark.set_number(request.number());
  return decision;
}

Result<Decision> set_level(v1::NotificationLevel present, const v1::SetLevel& request) {
  if (request.level() == v1::NOTIFICATION_LEVEL_UNSPECIFIED ||
      !v1::NotificationLevel_IsValid(request.level())) {
    return bad_request("level");
  }
  Decision decision;
  if (request.level() == present) return decision;
  v1::RoomLevel& level = *decision.add(stream_followers).event.mutable_level_set()->mutable_level();
  *level.mutable_stream() = request.stream();
  level.set_room_id(request.room_id());
  level.set_level(request.level());
  return decision;
}

Decision notice_membership(std::uint64_t club_id, v1::ClubRole role, v1::MemberStatus status) {
  Decision decision{.object_id = club_id};
  v1::MembershipNoticed& noticed =
      *decision.add(stream_followers).event.mutable_membership_noticed();
  noticed.set_club_id(club_id);
  noticed.set_role(role);
  noticed.set_status(status);
  return decision;
}

Decision notice_direct(std::uint64_t direct_id) {
  Decision decision{.object_id = direct_id};
  decision.add(stream_followers).event.mutable_direct_noticed()->set_direct_id(direct_id);
  return decision;
}

}  // namespace amicale::domain
