// SPDX-License-Identifier: Apache-2.0
//
// Without arguments: drives the session core by hand through a greeting, offline.
// With URL LOGIN PASSWORD CLUB_ID ROOM_ID: logs in, posts, and reads its own message back.
#include <cstdlib>
#include <future>
#include <iostream>
#include <string>

#include "amicale/client/client.h"
#include "amicale/client/session_core.h"

namespace v1 = amicale::v1;
using namespace amicale::client;

namespace {

int fail(const std::string& what) {
  std::cerr << "consumer: " << what << "\n";
  return 1;
}

int offline() {
  SessionCore core({.token = "token", .follow_account = false}, Time{});
  core.connect(Time{});
  if (!std::holds_alternative<Connect>(core.next_action().value())) return fail("no Connect");
  core.connected(Time{});
  for (int step = 0; step < 2; ++step) {  // Hello, Authenticate
    v1::ClientFrame request;
    if (!request.ParseFromString(std::get<Send>(core.next_action().value()).bytes)) {
      return fail("not a ClientFrame");
    }
    v1::ServerFrame answer;
    v1::Reply& reply = *answer.add_replies();
    reply.set_request_id(request.request_id());
    if (request.has_hello()) reply.mutable_hello()->set_protocol(1);
    if (request.has_authenticate()) reply.mutable_authenticate()->set_account_id(1);
    core.received(answer.SerializeAsString(), Time{});
  }
  if (core.state() != SessionCore::State::Online) return fail("not online");
  std::cout << "offline: online in two steps\n";
  return 0;
}

int online(char** argv) {
  const Stream club = Stream::club(std::strtoull(argv[4], nullptr, 10));
  const std::uint64_t room = std::strtoull(argv[5], nullptr, 10);
  const std::string id = Client::new_message_id();
  std::promise<std::uint64_t> echo;

  Options options;
  options.url = argv[1];
  options.follow = {club};
  options.on_happening = [&](const Happening& happening) {
    const auto* batch = std::get_if<Batch>(&happening);
    if (batch == nullptr || batch->stream != club) return;
    for (const v1::Event& event : batch->events) {
      if (event.client_msg_id() == id) echo.set_value(event.message_posted().number());
    }
  };
  Client client(std::move(options));
  const auto login = client.login(argv[2], argv[3], "consumer").get();
  if (!login) return fail("login: " + login.error().message);

  v1::PostMessage post;
  *post.mutable_stream() = club.proto();
  post.set_room_id(room);
  post.set_body("Bonjour de l'extérieur");
  post.set_client_msg_id(id);
  const auto posted = client.call(std::move(post)).get();
  if (!posted) return fail("post: " + posted.error().message);
  auto seen = echo.get_future();
  if (seen.wait_for(std::chrono::seconds(10)) != std::future_status::ready) {
    return fail("posted, but never read it");
  }
  std::cout << "online: message " << seen.get() << " posted and read\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) return offline();
  if (argc == 6) return online(argv);
  return fail("usage: consumer [URL LOGIN PASSWORD CLUB_ID ROOM_ID]");
}
