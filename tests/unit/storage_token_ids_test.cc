// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include "storage/view.h"
#include "tests/unit/storage_site.h"

using namespace amicale;
using storage::PartitionId;

// Found by tests/simulation: a device that logged in after all others were revoked, and after its account's partition had left
// memory, was given the id of a revoked one.
TEST_CASE("the id of a revoked device is remembered when no device is left") {
  storage_test::TempFolder folder;
  storage::Database database(storage_test::options_in(folder.path()));
  storage_test::commit(database, PartitionId::site(),
                       {{"time_ms: 1 account_registered { account_id: 7 login: 'ada' }"}});
  storage_test::commit(database, PartitionId::account(7),
                       {{"time_ms: 2 actor: 7 token_issued { token_id: 1 }", "token_hash: 'one'"},
                        {"time_ms: 2 actor: 7 token_issued { token_id: 2 }", "token_hash: 'two'"}});
  storage_test::commit(database, PartitionId::account(7),
                       {{"time_ms: 3 actor: 7 token_revoked { token_id: 2 }"},
                        {"time_ms: 3 actor: 7 token_revoked { token_id: 1 }"}});
  const storage::View view(database);
  CHECK(view.tokens_of(7).empty());
  REQUIRE(view.account(7));
  CHECK(view.account(7)->last_token_id() == 2);
}
