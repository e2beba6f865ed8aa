// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/removal.h"

#include <string>

#include "domain_world.h"
#include "server/domain/limits.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

constexpr std::uint64_t hall = 1;

struct Flood : World {
  std::vector<v1::Message> said;  // as storage would have them
  std::uint64_t seq = 100;

  explicit Flood(int count, std::uint64_t author = v1::CLUB_ROLE_MEMBER) {
    for (int i = 1; i <= count; ++i) {
      v1::Message message;
      message.set_room_id(hall);
      message.set_number(static_cast<std::uint64_t>(i));
      message.set_author(author);
      message.set_body("pourriel " + std::to_string(i));
      said.push_back(message);
    }
  }

  v1::RemoveMessages request() const {
    v1::RemoveMessages request;
    request.set_account_id(said.front().author());
    request.set_reason(v1::REASON_CODE_SPAM);
    for (const v1::Message& message : said) {
      request.add_messages()->set_room_id(message.room_id());
      request.mutable_messages(request.messages_size() - 1)->set_number(message.number());
    }
    return request;
  }

  Result<Decision> remove(std::uint64_t by) const {
    return remove_messages(club, said, request(), actor(by));
  }

  // What the rows and the log then hold.
  v1::Removal keep(const Decision& decision) {
    v1::Removal removal;
    for (const Decided& decided : decision.events) {
      ++seq;
      if (decided.event.has_message_deleted()) {
        for (v1::Message& message : said) {
          if (message.number() != decided.event.message_deleted().number()) continue;
          words[message.number()] = {decided.private_part.previous_body(), {}};
          message.clear_body();
          message.set_deleted(true);
          message.set_deleted_seq(seq);
        }
      } else if (decided.event.has_messages_removed()) {
        removal = decided.event.messages_removed().removal();
        removal.set_seq(seq);
      }
    }
    return removal;
  }

  std::vector<Removed> removed() const {
    std::vector<Removed> all;
    for (const v1::Message& message : said) {
      const auto kept = words.find(message.number());
      all.push_back({message, kept == words.end() ? std::nullopt : std::optional(kept->second)});
    }
    return all;
  }

  std::map<std::uint64_t, DeletedWords> words;
};

TEST_CASE("many messages go in one decision, with a reason, and are summed up for the committee") {
  Flood flood(3);
  flood.said[1].set_deleted(true);  // was deleted before
  const auto decision = flood.take(flood.remove(4));
  REQUIRE(decision.events.size() == 3);
  CHECK(decision.object_id == 1);
  CHECK(decision.events[0].event.message_deleted().reason() == v1::REASON_CODE_SPAM);
  CHECK(decision.events[0].audience.roles() == all_roles);
  const v1::Removal& removal = decision.events[2].event.messages_removed().removal();
  CHECK(decision.events[2].audience.roles() == committee_and_above);
  CHECK(removal.messages_size() == 2);
  CHECK(removal.entries() == 2);
  CHECK(flood.club.last_removal_id() == 1);
}

TEST_CASE("a removal is undone whole, except for what was touched since") {
  Flood flood(3);
  const auto removal = flood.keep(flood.take(flood.remove(4)));
  flood.said[2].set_deleted_seq(flood.seq + 5);  // deleted again, by another decision
  const auto undone =
      flood.take(undo_removal(flood.club, &removal, flood.removed(), flood.actor(5)));
  REQUIRE(undone.events.size() == 3);
  CHECK(undone.events[0].event.message_restored().body() == "pourriel 1");
  CHECK(undone.events[1].event.message_restored().body() == "pourriel 2");
  CHECK(undone.events[2].event.removal_undone().removal_id() == 1);
  auto again = removal;
  again.set_undone_ms(1);
  CHECK(
      flood.take(undo_removal(flood.club, &again, flood.removed(), flood.actor(5))).events.empty());
  CHECK(code_of(undo_removal(flood.club, nullptr, {}, flood.actor(5))) ==
        v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(undo_removal(flood.club, &removal, flood.removed(), flood.actor(2))) ==
        v1::REFUSAL_CODE_FORBIDDEN);
}

TEST_CASE("only what ranks below is removed, only what its named author said, and within bounds") {
  CHECK(code_of(Flood(1).remove(3)) == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(rule_of(Flood(1, v1::CLUB_ROLE_PRESIDENT).remove(4)) == "may.rank");
  Flood flood(2);
  const auto code = [&](const v1::RemoveMessages& request, const std::vector<v1::Message>& found) {
    return code_of(remove_messages(flood.club, found, request, flood.actor(4)));
  };
  auto request = flood.request();
  CHECK(code(request, {flood.said[0]}) == v1::REFUSAL_CODE_NOT_FOUND);
  flood.said[1].set_author(1);
  CHECK(code(request, flood.said) == v1::REFUSAL_CODE_BAD_REQUEST);
  request.set_reason(v1::REASON_CODE_UNSPECIFIED);
  CHECK(code(request, flood.said) == v1::REFUSAL_CODE_BAD_REQUEST);
  request.clear_messages();
  CHECK(code(request, {}) == v1::REFUSAL_CODE_BAD_REQUEST);
  const Flood most(static_cast<int>(limits::removal_batch));
  CHECK(most.remove(4));
  CHECK(code_of(Flood(static_cast<int>(limits::removal_batch) + 1).remove(4)) ==
        v1::REFUSAL_CODE_TOO_LARGE);
  auto twice = Flood(1).request();
  *twice.add_messages() = twice.messages(0);
  CHECK(code(twice, {}) == v1::REFUSAL_CODE_BAD_REQUEST);
  auto hidden = Flood(1).request();
  hidden.mutable_messages(0)->set_room_id(999);
  CHECK(code(hidden, {}) == v1::REFUSAL_CODE_NOT_FOUND);
}

}  // namespace
}  // namespace amicale::domain_test
