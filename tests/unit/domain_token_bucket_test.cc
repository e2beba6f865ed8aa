// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include <limits>

#include "server/domain/token_bucket.h"
#include "server/domain/visibility.h"

namespace amicale::domain {
namespace {

TEST_CASE("a bucket gives its depth at once, then its rate and not a token more") {
  TokenBucket bucket(30, 10'000, 30);
  int taken = 0;
  for (std::int64_t now = 0; now < 100'000; ++now) {
    while (bucket.take(now)) ++taken;
  }
  CHECK(taken == 30 + 299);  // at 99,999 ms the 300th has not come back
  CHECK(bucket.take(100'000));
  CHECK(!bucket.take(100'000));
}

TEST_CASE("a refused taker is told when to come back, to the millisecond") {
  TokenBucket bucket(3, 1'000, 1);
  CHECK(bucket.take(0));
  CHECK(!bucket.take(0));
  const auto wait = bucket.retry_after_ms();
  CHECK(wait == 334);
  CHECK(!bucket.take(wait - 1));
  CHECK(bucket.take(wait));
}

TEST_CASE("a clock that goes back or leaps gives nothing that was not earned") {
  TokenBucket bucket(1, 1'000, 5);
  CHECK(bucket.take(1'000'000, 5));
  CHECK(!bucket.take(0));
  CHECK(!bucket.take(1'000'500));
  CHECK(bucket.take(std::numeric_limits<std::int64_t>::max(), 5));
  CHECK(!bucket.take(std::numeric_limits<std::int64_t>::max()));
}

TEST_CASE("a bucket can be forgotten once everything has come back") {
  TokenBucket bucket(10, 1'000, 10);
  CHECK(bucket.is_full(0));
  bucket.take(0, 2);
  CHECK(!bucket.is_full(199));
  CHECK(bucket.is_full(200));
  CHECK(!bucket.take(200, 11));
}

TEST_CASE("an event is visible to who could see it then and still may now, or whom it addresses") {
  constexpr RoleSet committee = committee_and_above;
  const auto sees = [](AudienceTag tag, v1::ClubRole then, v1::ClubRole now, std::uint64_t me = 5) {
    return visible(tag, {.role_then = then, .role_now = now, .account_id = me});
  };
  CHECK(sees({committee, 0}, v1::CLUB_ROLE_COMMITTEE, v1::CLUB_ROLE_PRESIDENT));
  CHECK(!sees({committee, 0}, v1::CLUB_ROLE_COMMITTEE, v1::CLUB_ROLE_MEMBER));
  CHECK(!sees({committee, 0}, v1::CLUB_ROLE_MEMBER, v1::CLUB_ROLE_COMMITTEE));
  CHECK(!sees({all_roles, 0}, v1::CLUB_ROLE_UNSPECIFIED, v1::CLUB_ROLE_MEMBER));
  CHECK(!sees({all_roles, 0}, v1::CLUB_ROLE_MEMBER, v1::CLUB_ROLE_UNSPECIFIED));
  CHECK(sees({0, 5}, v1::CLUB_ROLE_UNSPECIFIED, v1::CLUB_ROLE_UNSPECIFIED));
  CHECK(!sees({0, 6}, v1::CLUB_ROLE_SUPERVISOR, v1::CLUB_ROLE_SUPERVISOR));
  CHECK(!sees({0, 0}, v1::CLUB_ROLE_SUPERVISOR, v1::CLUB_ROLE_SUPERVISOR, 0));
  CHECK(sees({stream_followers, 0}, v1::CLUB_ROLE_UNSPECIFIED, v1::CLUB_ROLE_UNSPECIFIED));
}

}  // namespace
}  // namespace amicale::domain
