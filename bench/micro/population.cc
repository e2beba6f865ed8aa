// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/micro/population.h"

#include <stdlib.h>

#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "amicale/v1/frame.pb.h"
#include "server/auth/token.h"
#include "server/domain/account.h"
#include "server/domain/club.h"
#include "server/domain/roles.h"
#include "server/domain/site.h"
#include "storage/view.h"

namespace amicale::bench {
namespace {

constexpr std::int64_t epoch_ms = 1'700'000'000'000;
// Large enough that the fsync of a commit does not count, small enough for the write buffers.
constexpr std::size_t commit_bytes = 4 << 20;

v1::CreateClub club_request(std::uint64_t club) {
  v1::CreateClub request;
  request.set_slug("club-" + std::to_string(club));
  request.set_name("Club " + std::to_string(club));
  request.set_kind(v1::CLUB_KIND_PROFESSIONAL);
  request.set_capacity(100'000);
  return request;
}

domain::Decision agreed(domain::Result<domain::Decision> result) {
  if (!result) throw std::runtime_error("refused: " + result.error().rule_id);
  return *std::move(result);
}

// Memberships are put in place as they are, not asked for one by one: the rule would make the same
// event.
void join(domain::Decision& decision, std::uint64_t account, v1::ClubRole role) {
  auto& made = decision.add(domain::all_roles, account);
  auto& member = *made.event.mutable_member_changed()->mutable_member();
  member.set_account_id(account);
  member.set_display_name("Member " + std::to_string(account));
  member.set_role(role);
  member.set_status(v1::MEMBER_STATUS_ACTIVE);
  member.set_since_ms(epoch_ms);
}

v1::ClubRole role_of(std::uint64_t index) {
  return index == 0 ? v1::CLUB_ROLE_COMMITTEE : v1::CLUB_ROLE_MEMBER;
}

}  // namespace

std::string_view body() {
  static constexpr std::string_view text =
      "La réunion du comité est déplacée à jeudi, dix-neuf heures, dans la salle habituelle : "
      "apportez vos idées. Merci !";
  static_assert(text.size() == 120);
  return text;
}

v1::Event posted() {
  v1::Event event;
  event.set_seq(123'456);
  event.set_time_ms(1'700'000'000'000);
  event.set_actor(77);
  event.set_client_msg_id(client_msg_id(1));
  event.mutable_message_posted()->set_room_id(1);
  event.mutable_message_posted()->set_number(123'000);
  event.mutable_message_posted()->set_body(std::string(body()));
  return event;
}

std::string client_msg_id(std::uint64_t number) {
  std::string id(16, '\0');
  // Spread like random ones: RocksDB must not profit from an order that clients do not keep.
  const std::uint64_t spread = number * 0x9E3779B97F4A7C15ull;
  std::memcpy(id.data(), &spread, sizeof spread);
  std::memcpy(id.data() + sizeof spread, &number, sizeof number);
  return id;
}

std::string token_of(std::uint64_t account) {
  const std::string digits = std::to_string(account);
  return "amicale-bench-token-" + std::string(12 - digits.size(), '0') + digits;
}

domain::ClubState club_of(std::uint64_t members) {
  domain::ClubState club(1);
  auto decision = agreed(domain::create_club(club, club_request(1), domain::console, epoch_ms));
  for (std::uint64_t i = 0; i < members; ++i) join(decision, i + 2, role_of(i));
  for (const auto& decided : decision.events) club.apply(decided.event);
  return club;
}

void Population::commit(storage::PartitionId partition, domain::Decision decision) {
  std::vector<storage::NewEntry> entries;
  entries.reserve(decision.events.size());
  for (auto& made : decision.events) {
    made.event.set_time_ms(epoch_ms);
    entries.push_back({made.event, storage::Audience::of(made.audience), made.private_part});
  }
  auto head = storage::View(batch_).head(partition);
  storage::EventRun run;
  storage::append(batch_, partition, head, entries, {}, run);
  if (batch_.bytes() > commit_bytes) write();
}

void Population::write() {
  if (batch_.empty()) return;
  database_.write(batch_);
  batch_.clear();
}

void Population::add_account(std::uint64_t account) {
  const std::string login = "member" + std::to_string(account);
  const std::string name = "Member " + std::to_string(account);
  domain::Decision registered;
  auto& row = *registered.add(domain::stream_followers).event.mutable_account_registered();
  row.set_account_id(account);
  row.set_login(login);
  row.set_display_name(name);
  if (account == 1) {
    auto& role = *registered.add(domain::stream_followers).event.mutable_site_role_changed();
    role.set_account_id(account);
    role.set_role(v1::SITE_ROLE_OWNER);
  }
  commit(storage::PartitionId::site(), std::move(registered));

  domain::AccountState state(account);
  auto opened = domain::open_account(
      state, {.login = login,
              .display_name = name,
              .language = v1::LANGUAGE_FR,
              .site_role = account == 1 ? v1::SITE_ROLE_OWNER : v1::SITE_ROLE_NONE});
  auto device = agreed(domain::issue_token(state, auth::digest(token_of(account)), "bench", 0));
  for (auto& made : device.events) opened.events.push_back(std::move(made));
  commit(storage::PartitionId::account(account), std::move(opened));
}

void Population::add_club(std::uint64_t club, const Shape& shape) {
  domain::Decision registered;
  auto& row = *registered.add(domain::stream_followers).event.mutable_club_registered();
  row.set_club_id(club);
  row.set_slug("club-" + std::to_string(club));
  row.set_name("Club " + std::to_string(club));
  row.set_kind(v1::CLUB_KIND_PROFESSIONAL);
  commit(storage::PartitionId::site(), std::move(registered));

  const auto partition = storage::PartitionId::club(club);
  commit(partition, agreed(domain::create_club(domain::ClubState(club), club_request(club),
                                               domain::console, epoch_ms)));
  domain::Decision joined;
  for (std::uint64_t i = 0; i < shape.members; ++i) {
    join(joined, shape.member(club, i), role_of(i));
    if (joined.events.size() == 1'000) commit(partition, std::exchange(joined, {}));
  }
  if (!joined.events.empty()) commit(partition, std::move(joined));
}

void Population::found(const Shape& shape) {
  domain::Decision site;
  site.add(domain::stream_followers).event.mutable_site_created()->set_name("Bench");
  commit(storage::PartitionId::site(), std::move(site));
  for (std::uint64_t account = 1; account <= shape.accounts; ++account) add_account(account);
  for (std::uint64_t club = 1; club <= shape.clubs; ++club) add_club(club, shape);
  write();
}

void Population::post(std::uint64_t club, std::uint64_t count, const Shape& shape) {
  const auto partition = storage::PartitionId::club(club);
  const auto room = storage::View(batch_).room(club, 1);
  if (!room) throw std::runtime_error("no such room");
  auto head = storage::View(batch_).head(partition);
  v1::Event event;
  for (std::uint64_t i = 1; i <= count; ++i) {
    const std::uint64_t number = room->head_number() + i;
    event.Clear();
    event.set_time_ms(epoch_ms + static_cast<std::int64_t>(number));
    event.set_actor(shape.member(club, number));
    event.set_client_msg_id(client_msg_id(number));
    auto& posted = *event.mutable_message_posted();
    posted.set_room_id(1);
    posted.set_number(number);
    posted.set_body(std::string(body()));
    store::PrivatePart private_part;
    std::array<storage::NewEntry, 1> entries{
        storage::NewEntry{event, {domain::all_roles, 0}, private_part}};
    storage::EventRun run;
    storage::append(batch_, partition, head, entries,
                    {.request_kind = v1::ClientFrame::kPostMessage, .object_id = number}, run);
    if (batch_.bytes() > commit_bytes) write();
  }
}

Folder::Folder() {
  const char* chosen = ::getenv("AMICALE_BENCH_DIR");
  const auto parent =
      chosen != nullptr ? std::filesystem::path(chosen) : std::filesystem::temp_directory_path();
  std::string name = (parent / "amicale-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

storage::DatabaseOptions options_in(const std::filesystem::path& folder) {
  storage::DatabaseOptions options;
  options.folder = folder;
  options.ballast_bytes = 0;
  options.floor_bytes = 0;
  return options;
}

}  // namespace amicale::bench
