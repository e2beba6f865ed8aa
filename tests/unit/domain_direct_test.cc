// SPDX-License-Identifier: AGPL-3.0-or-later
#include "domain_world.h"
#include "server/domain/direct.h"
#include "server/domain/limits.h"

namespace amicale::domain_test {
namespace {

using namespace amicale::domain;

constexpr std::uint64_t amy = 3;
constexpr std::uint64_t bob = 8;
constexpr DirectFacts together{.share_a_club = true};
constexpr DirectFacts apart{.share_a_club = false};

struct Pair {
  DirectState direct{direct_id(amy, bob)};

  Result<Decision> ask(std::uint64_t from, DirectFacts facts = together,
                       std::string words = "Bonjour") const {
    v1::OpenDirect request;
    request.set_account_id(direct.other_side(from));
    request.set_introduction(words);
    return open_direct(direct, facts, request, from);
  }
  Result<Decision> answer(std::uint64_t by, bool accept) const {
    v1::AnswerDirect request;
    request.set_accept(accept);
    return answer_direct(direct, request, by);
  }
  Result<Decision> block(std::uint64_t by, bool unblock = false, DirectFacts facts = apart) const {
    v1::BlockDirect request;
    request.set_account_id(direct.other_side(by));
    request.set_unblock(unblock);
    return block_direct(direct, facts, request, by);
  }
  Decision take(Result<Decision> result) {
    REQUIRE(result);
    fold(direct, *result);
    return *std::move(result);
  }
};

TEST_CASE("whom ten have not answered asks nobody else, and answers still") {
  Pair pair;
  const DirectFacts crowded{.share_a_club = true, .unanswered = limits::direct_requests};
  CHECK(rule_of(pair.ask(amy, crowded)) == "direct.requests");
  pair.take(pair.ask(amy, {.share_a_club = true, .unanswered = limits::direct_requests - 1}));
  CHECK(pair.direct.status() == v1::DIRECT_STATUS_REQUESTED);
  CHECK(pair.take(pair.ask(amy, crowded)).events.empty());  // it was asked
  pair.take(pair.ask(bob, crowded));
  CHECK(pair.direct.status() == v1::DIRECT_STATUS_OPEN);
}

TEST_CASE("asking needs a club in common; answering opens the conversation to both") {
  Pair pair;
  CHECK(code_of(pair.ask(amy, apart)) == v1::REFUSAL_CODE_NOT_FOUND);
  const auto asked = pair.take(pair.ask(amy));
  CHECK(asked.object_id == direct_id(amy, bob));
  CHECK(asked.events[0].audience.roles() == stream_followers);
  CHECK(pair.direct.status() == v1::DIRECT_STATUS_REQUESTED);
  CHECK(pair.direct.introduction() == "Bonjour");
  CHECK(code_of(check_talking(pair.direct)) == v1::REFUSAL_CODE_CONSENT_NEEDED);
  CHECK(pair.take(pair.ask(amy)).events.empty());
  CHECK(rule_of(pair.answer(amy, true)) == "direct.not_asked");
  CHECK(code_of(pair.answer(outsider, true)) == v1::REFUSAL_CODE_NOT_FOUND);
  pair.take(pair.answer(bob, true));
  CHECK(check_talking(pair.direct).has_value());
  CHECK(pair.take(pair.answer(bob, true)).events.empty());
  CHECK(rule_of(pair.answer(bob, false)) == "direct.not_asked");
  // It lives on when the two share a club no more.
  CHECK(pair.take(pair.ask(bob, apart)).events.empty());
}

TEST_CASE("asking back who asked accepts") {
  Pair pair;
  pair.take(pair.ask(amy));
  pair.take(pair.ask(bob));
  CHECK(pair.direct.status() == v1::DIRECT_STATUS_OPEN);
  CHECK(pair.direct.requested_by() == amy);
}

TEST_CASE("who declined may accept later; who was declined may not ask again") {
  Pair pair;
  pair.take(pair.ask(amy));
  pair.take(pair.answer(bob, false));
  CHECK(pair.direct.status() == v1::DIRECT_STATUS_DECLINED);
  CHECK(rule_of(pair.ask(amy)) == "direct.declined");
  CHECK(pair.take(pair.answer(bob, false)).events.empty());
  pair.take(pair.answer(bob, true));
  CHECK(pair.direct.status() == v1::DIRECT_STATUS_OPEN);
}

TEST_CASE("nothing is answered that was not asked") {
  Pair pair;
  CHECK(code_of(pair.answer(bob, true)) == v1::REFUSAL_CODE_NOT_FOUND);
}

TEST_CASE(
    "a block closes everything, is told to its maker alone, and lifting it brings back what was") {
  Pair pair;
  pair.take(pair.ask(amy));
  pair.take(pair.answer(bob, true));
  const auto blocked = pair.take(pair.block(bob));
  REQUIRE(blocked.events.size() == 1);
  CHECK(blocked.events[0].audience.roles() == 0);
  CHECK(blocked.events[0].audience.account() == bob);
  CHECK(pair.take(pair.block(bob)).events.empty());
  CHECK(code_of(check_talking(pair.direct)) == v1::REFUSAL_CODE_BLOCKED);
  CHECK(code_of(pair.ask(amy)) == v1::REFUSAL_CODE_BLOCKED);
  CHECK(code_of(pair.answer(bob, true)) == v1::REFUSAL_CODE_BLOCKED);

  // Each side's block is its own.
  pair.take(pair.block(amy));
  pair.take(pair.block(bob, true));
  CHECK(code_of(check_talking(pair.direct)) == v1::REFUSAL_CODE_BLOCKED);
  pair.take(pair.block(amy, true));
  CHECK(pair.direct.status() == v1::DIRECT_STATUS_OPEN);
  CHECK(check_talking(pair.direct).has_value());
  CHECK(pair.take(pair.block(amy, true)).events.empty());
}

TEST_CASE("being blocked before anything was said opens nothing to a stranger") {
  Pair pair;
  pair.take(pair.block(bob, false, together));
  CHECK(code_of(pair.block(amy)) == v1::REFUSAL_CODE_NOT_FOUND);
  CHECK(code_of(pair.block(amy, true)) == v1::REFUSAL_CODE_NOT_FOUND);
  pair.take(pair.block(bob, true));
}

TEST_CASE("one may block before anything was said, if one can know the other") {
  Pair pair;
  CHECK(code_of(pair.block(bob)) == v1::REFUSAL_CODE_NOT_FOUND);
  pair.take(pair.block(bob, false, together));
  CHECK(code_of(pair.ask(amy)) == v1::REFUSAL_CODE_BLOCKED);
  pair.take(pair.block(bob, true));
  pair.take(pair.ask(amy));
}

TEST_CASE("nobody talks to oneself, nor with an introduction out of bounds") {
  const DirectState self(direct_id(amy, amy));
  v1::OpenDirect request;
  request.set_account_id(amy);
  CHECK(rule_of(open_direct(self, together, request, amy)) == "direct.oneself");
  v1::BlockDirect block;
  block.set_account_id(amy);
  CHECK(rule_of(block_direct(self, together, block, amy)) == "direct.oneself");
  Pair pair;
  CHECK(code_of(pair.ask(amy, together, std::string(limits::purpose_bytes + 1, 'a'))) ==
        v1::REFUSAL_CODE_TOO_LARGE);
}

}  // namespace
}  // namespace amicale::domain_test
