// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Exports and proofs of the provable log as hostile files, and heads and proofs as a hostile server sends them: a verdict, always,
// and never a good one over what nobody signed.
#include <google/protobuf/stubs/logging.h>

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>

#include "server/admin/audit_file.h"

namespace {

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amicale;
  const std::string bytes(reinterpret_cast<const char*>(data), size);

  std::istringstream in(bytes);
  client::AuditFile file;
  const auto finding = admin::read_audit(in, file, {});
  if (!finding) check(client::is_signed(file.head()), "a good file has a signed head");
  if (const auto line = admin::from_audit_line(bytes)) {
    check(admin::to_audit_line(*line) == bytes, "a line has one way to be written");
  }

  // The same bytes as a server's answer.
  v1::GetAuditProofReply reply;
  if (!reply.ParseFromString(bytes)) return 0;
  const bool good = !client::check_proof(reply);
  check(!good || !reply.has_head() || client::is_signed(reply.head()), "a good proof is signed");
  client::AuditWatch watch;
  watch.take(reply.head());
  watch.take_from_proof(reply.head());
  while (auto request = watch.next_request()) {
    v1::Reply answer;
    for (const auto& proven : reply.records()) {
      for (const auto& hash : proven.path()) {
        answer.mutable_get_audit_consistency()->add_path(hash);
      }
    }
    watch.answered(request->stream, answer);
  }
  const auto* pinned = watch.pinned(client::Stream::from(reply.head().stream()));
  check(!pinned || client::is_signed(*pinned), "only what is signed is pinned");
  return 0;
}
