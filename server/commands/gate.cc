// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/commands/gate.h"

#include "server/auth/token.h"
#include "server/domain/limits.h"
#include "server/domain/text.h"

namespace amicale::commands {

namespace {

Answer<log::Outcome> refused(domain::Refusal refusal) {
  co_return std::unexpected(std::move(refusal));
}

}  // namespace

domain::Result<Prepared> prepare(const Caller& caller, storage::PartitionId where,
                                 v1::ClientFrame::BodyCase request,
                                 const std::string& client_msg_id, Decide decide) {
  if (auto right = domain::check_client_msg_id(client_msg_id); !right) {
    return std::unexpected(std::move(right.error()));
  }
  return Prepared{where, log::Command{.actor = caller.account_id,
                                      .client_msg_id = client_msg_id,
                                      .request_kind = request,
                                      .is_post = request == v1::ClientFrame::kPostMessage,
                                      .decide = std::move(decide)}};
}

Answer<log::Outcome> commit(Gate& gate, const Caller& caller, storage::PartitionId where,
                            v1::ClientFrame::BodyCase request, const std::string& client_msg_id,
                            Decide decide) {
  auto prepared = prepare(caller, where, request, client_msg_id, std::move(decide));
  if (!prepared) return refused(std::move(prepared.error()));
  return gate.site.submit(where, std::move(prepared->command));
}

Answer<log::Outcome> commit_step(Gate& gate, uint64_t actor, storage::PartitionId where,
                                 v1::ClientFrame::BodyCase request,
                                 const std::string& client_msg_id, std::string_view step,
                                 Decide decide) {
  std::string id = step_msg_id(client_msg_id, step);
  return gate.site.submit(where, log::Command{.actor = actor,
                                              .client_msg_id = std::move(id),
                                              .request_kind = request,
                                              .decide = std::move(decide)});
}

std::string step_msg_id(const std::string& client_msg_id, std::string_view step) {
  return auth::digest(client_msg_id + std::string(step))
      .substr(0, domain::limits::client_msg_id_bytes);
}

std::string fresh_msg_id() { return auth::random_bytes(domain::limits::client_msg_id_bytes); }

}  // namespace amicale::commands
