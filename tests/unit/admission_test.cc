// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/http/admission.h"

#include <doctest/doctest.h>

namespace amicale::http {
namespace {

const Address kHome = boost::asio::ip::make_address("192.0.2.1");
const Address kOther = boost::asio::ip::make_address("192.0.2.2");

TEST_CASE("an address holds so many connections that have not proved who they are, and no more") {
  Admission admission({100, 10, 2});
  CHECK(admission.admit(kHome) == Verdict::kAdmitted);
  CHECK(admission.admit(kHome) == Verdict::kAdmitted);
  CHECK(admission.admit(kHome) == Verdict::kAddressUnauthenticated);
  CHECK(admission.admit(kOther) == Verdict::kAdmitted);
  admission.authenticated(kHome);
  CHECK(admission.admit(kHome) == Verdict::kAdmitted);
  CHECK(admission.total() == 4);
}

TEST_CASE("an address holds so many connections in all, authenticated or not") {
  Admission admission({100, 3, 3});
  for (int i = 0; i < 3; ++i) {
    CHECK(admission.admit(kHome) == Verdict::kAdmitted);
    admission.authenticated(kHome);
  }
  CHECK(admission.admit(kHome) == Verdict::kAddressFull);
  admission.ended(kHome, true);
  CHECK(admission.admit(kHome) == Verdict::kAdmitted);
}

TEST_CASE("the whole server holds so many connections") {
  Admission admission({2, 10, 10});
  CHECK(admission.admit(kHome) == Verdict::kAdmitted);
  CHECK(admission.admit_uncounted() == Verdict::kAdmitted);
  CHECK(admission.full());
  CHECK(admission.admit(kOther) == Verdict::kFull);
  CHECK(admission.admit_uncounted() == Verdict::kFull);
  admission.ended_uncounted();
  CHECK(admission.admit(kOther) == Verdict::kAdmitted);
}

TEST_CASE("a refused connection leaves no count behind") {
  Admission admission({100, 1, 1});
  CHECK(admission.admit(kHome) == Verdict::kAdmitted);
  CHECK(admission.admit(kHome) != Verdict::kAdmitted);
  admission.ended(kHome, false);
  CHECK(admission.total() == 0);
  CHECK(admission.admit(kHome) == Verdict::kAdmitted);
}

TEST_CASE(
    "a connection through a proxy is counted under the address behind it once that is known") {
  Admission admission({100, 1, 1});
  CHECK(admission.admit_uncounted() == Verdict::kAdmitted);
  CHECK(admission.admit_uncounted() == Verdict::kAdmitted);
  CHECK(admission.claim(kHome) == Verdict::kAdmitted);
  CHECK(admission.claim(kHome) == Verdict::kAddressFull);
  CHECK(admission.total() == 2);
  admission.ended(kHome, false);
  CHECK(admission.claim(kHome) == Verdict::kAdmitted);
}

}  // namespace
}  // namespace amicale::http
