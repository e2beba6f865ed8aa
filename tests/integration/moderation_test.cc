// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Keeping order, as everybody concerned sees it: through real sockets, against a whole server.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "server/domain/limits.h"
#include "tests/support/club_world.h"

namespace amicale {
namespace {

using namespace support;

// Ada moderates, Boris is moderated, Chloé reads along.
struct Scene : ClubWorld {
  Scene() {
    ada_id = add("ada", v1::CLUB_ROLE_COMMITTEE).account;
    boris_id = add("boris").account;
    chloe_id = add("chloe").account;
    room = ClubWorld::room(v1::ROOM_ACCESS_ALL);
  }

  v1::ClientFrame impose(v1::SanctionKind kind, uint32_t seconds = 0) const {
    v1::ClientFrame frame;
    auto& request = *frame.mutable_impose_sanction();
    request.set_club_id(club);
    request.set_account_id(boris_id);
    request.set_kind(kind);
    request.set_reason(v1::REASON_CODE_INSULT);
    request.set_text("Restons courtois");
    request.set_note("déjà deux fois");
    request.set_duration_s(seconds);
    request.set_client_msg_id(message_id());
    return frame;
  }

  v1::ClientFrame lift(uint64_t sanction) const {
    v1::ClientFrame frame;
    frame.mutable_lift_sanction()->set_club_id(club);
    frame.mutable_lift_sanction()->set_sanction_id(sanction);
    frame.mutable_lift_sanction()->set_client_msg_id(message_id());
    return frame;
  }

  template <class Request>
  Request* about(Request* request, uint64_t number) const {
    *request->mutable_stream() = stream();
    request->set_room_id(room);
    request->set_number(number);
    request->set_client_msg_id(message_id());
    return request;
  }

  v1::Message message(WireClient& client, uint64_t number) const {
    v1::ClientFrame frame;
    auto& history = *frame.mutable_get_history();
    *history.mutable_stream() = stream();
    history.set_room_id(room);
    history.set_around(number);
    history.set_before(1);
    const auto reply = client.call(frame);
    REQUIRE_MESSAGE(reply.get_history().messages_size() == 1, reply.ShortDebugString());
    return reply.get_history().messages(0);
  }

  uint64_t ada_id = 0, boris_id = 0, chloe_id = 0, room = 0;
};

template <class Has>
const v1::Event* find_event(const Followed& followed, Has has) {
  const auto at = std::ranges::find_if(followed.events, has);
  return at == followed.events.end() ? nullptr : &*at;
}

v1::Committed done(const v1::Reply& reply, const v1::Committed& committed) {
  REQUIRE_MESSAGE(!reply.has_refusal(), reply.refusal().message());
  return committed;
}

TEST_CASE("a mute is told to the person and the committee, holds at its seq, and is lifted") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  auto chloe = scene.connect("chloe");
  for (auto* client : {&ada, &boris, &chloe}) client->follow(scene.stream());
  boris.follow(account_stream(scene.boris_id));

  const auto before = boris.call(post(scene.stream(), scene.room, "avant"));
  REQUIRE(before.has_post_message());
  const auto muted = ada.call(scene.impose(v1::SANCTION_KIND_MUTE, 3'600));
  const auto committed = done(muted, muted.impose_sanction());

  const auto after = boris.call(post(scene.stream(), scene.room, "après"));
  CHECK(after.refusal().code() == v1::REFUSAL_CODE_SANCTIONED);
  CHECK(after.refusal().rule_id() == "sanction.mute");
  CHECK(after.refusal().sanction().sanction_id() == committed.object_id());
  CHECK(after.refusal().sanction().reason() == v1::REASON_CODE_INSULT);
  CHECK(after.refusal().retry_after_ms() > 3'500'000);
  CHECK(after.refusal().retry_after_ms() <= 3'600'000);

  const auto has = [](const v1::Event& e) { return e.has_sanction_imposed(); };
  for (auto* client : {&ada, &boris}) {
    const auto* told = find_event(client->wait_for(scene.stream(), committed.last_seq()), has);
    REQUIRE(told);
    CHECK(told->seq() == committed.first_seq());
    CHECK(told->sanction_imposed().sanction().text() == "Restons courtois");
    CHECK(told->SerializeAsString().find("deux fois") == std::string::npos);
  }
  const auto said = ada.call(post(scene.stream(), scene.room, "merci"));
  CHECK_FALSE(find_event(chloe.wait_for(scene.stream(), said.post_message().last_seq()), has));

  // On one's own stream as well, with the whole of it to be had, but for the committee's note.
  v1::ClientFrame own;
  own.mutable_list_own_sanctions();
  const auto mine = boris.call(own).list_own_sanctions();
  REQUIRE(mine.cases_size() == 1);
  CHECK(mine.cases(0).note().empty());
  CHECK(mine.cases(0).sanction().start_seq() == committed.first_seq());
  v1::ClientFrame all;
  all.mutable_list_sanctions()->set_club_id(scene.club);
  all.mutable_list_sanctions()->set_standing(true);
  const auto listed = ada.call(all).list_sanctions();
  REQUIRE(listed.cases_size() == 1);
  CHECK(listed.cases(0).note() == "déjà deux fois");
  CHECK(chloe.call(all).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
  CHECK(scene.connect("boris").follow(scene.stream()).snapshot().club().sanctions_size() == 1);

  const auto lifted = ada.call(scene.lift(committed.object_id()));
  done(lifted, lifted.lift_sanction());
  CHECK(boris.call(post(scene.stream(), scene.room, "bonjour")).has_post_message());
  CHECK(ada.call(all).list_sanctions().cases_size() == 0);
  const auto notices = scene.connect("boris").follow(account_stream(scene.boris_id)).head_seq();
  const auto& account = boris.wait_for(account_stream(scene.boris_id), notices);
  CHECK(find_event(account, [](const v1::Event& e) {
    return e.sanction_noticed().sanction().end() == v1::SANCTION_END_LIFTED;
  }));
}

TEST_CASE("a suspension ends the stream after its reason, and its lifting opens it again") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  boris.follow(scene.stream());
  const auto suspended = ada.call(scene.impose(v1::SANCTION_KIND_SUSPENSION, 3'600));
  const auto committed = done(suspended, suspended.impose_sanction());
  const auto& ended = boris.wait_for_end(scene.stream());
  REQUIRE(ended.events.size() >= 2);
  CHECK(ended.events[ended.events.size() - 2].has_sanction_imposed());
  CHECK(ended.events.back().member_changed().member().status() == v1::MEMBER_STATUS_SUSPENDED);

  ada.call(post(scene.stream(), scene.room, "sans Boris"));
  v1::ClientFrame subscribe;
  *subscribe.mutable_subscribe()->mutable_stream() = scene.stream();
  v1::ClientFrame history;
  *history.mutable_get_history()->mutable_stream() = scene.stream();
  history.mutable_get_history()->set_room_id(scene.room);
  history.mutable_get_history()->set_before(5);
  for (const auto& frame : {subscribe, history, post(scene.stream(), scene.room, "x")}) {
    const auto refusal = boris.call(frame).refusal();
    CHECK(refusal.code() == v1::REFUSAL_CODE_SANCTIONED);
    CHECK(refusal.sanction().sanction_id() == committed.object_id());
    CHECK(refusal.retry_after_ms() > 0);
  }
  const auto lifted = ada.call(scene.lift(committed.object_id()));
  done(lifted, lifted.lift_sanction());
  CHECK(boris.follow(scene.stream()).snapshot().club().me().status() == v1::MEMBER_STATUS_ACTIVE);
  CHECK(boris.call(post(scene.stream(), scene.room, "me revoici")).has_post_message());
}

TEST_CASE("a ban from the site cuts every device, and says why at the door") {
  Scene scene;
  auto owner = scene.connect(RunningServer::kLogin);
  auto boris = scene.connect("boris");
  auto ban = scene.impose(v1::SANCTION_KIND_BAN, 3'600);
  ban.mutable_impose_sanction()->set_club_id(0);
  CHECK(scene.connect("ada").call(ban).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
  const auto banned = owner.call(ban);
  const auto committed = done(banned, banned.impose_sanction());
  CHECK(boris.wait_for_close() == v1::CLOSE_CODE_REVOKED);

  WireClient door(scene.running.port());
  door.enter("");
  v1::ClientFrame login;
  login.mutable_login()->set_login("boris");
  login.mutable_login()->set_password(RunningServer::kPassword);
  login.mutable_login()->set_device_name("phone");
  const auto refused = door.call(login).refusal();
  CHECK(refused.code() == v1::REFUSAL_CODE_SANCTIONED);
  CHECK(refused.rule_id() == "sanction.site_ban");
  CHECK(refused.retry_after_ms() > 3'500'000);
  // Whoever does not know the password learns nothing of it.
  login.mutable_login()->set_password("not the password");
  CHECK(door.call(login).refusal().code() == v1::REFUSAL_CODE_BAD_CREDENTIALS);

  v1::ClientFrame lift;
  lift.mutable_lift_sanction()->set_account_id(scene.boris_id);
  lift.mutable_lift_sanction()->set_sanction_id(committed.object_id());
  lift.mutable_lift_sanction()->set_client_msg_id(message_id());
  const auto lifted = owner.call(lift);
  done(lifted, lifted.lift_sanction());
  login.mutable_login()->set_password(RunningServer::kPassword);
  CHECK(door.call(login).has_login());

  // Both are in the site's log of acts, about the banned.
  v1::ClientFrame prove;
  prove.mutable_get_audit_proof()->mutable_stream()->set_kind(v1::STREAM_KIND_SITE);
  prove.mutable_get_audit_proof()->mutable_stream()->set_id(1);
  prove.mutable_get_audit_proof()->set_account_id(scene.boris_id);
  const auto proof = owner.call(prove).get_audit_proof();
  std::vector<v1::SanctionEnd> ends;
  for (const auto& proven : proof.records()) {
    v1::Event details;
    REQUIRE(details.ParseFromString(proven.opening().details()));
    if (details.has_sanction_noticed()) ends.push_back(details.sanction_noticed().sanction().end());
  }
  CHECK(ends == std::vector{v1::SANCTION_END_UNSPECIFIED, v1::SANCTION_END_LIFTED});
}

TEST_CASE("what a moderator deletes leaves a reason, and comes back with its words") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  auto chloe = scene.connect("chloe");
  chloe.follow(scene.stream());
  const auto said = boris.call(post(scene.stream(), scene.room, "des mots"));
  const uint64_t number = said.post_message().object_id();
  v1::ClientFrame deleting;
  auto* request = scene.about(deleting.mutable_delete_message(), number);
  request->set_reason(v1::REASON_CODE_OFF_TOPIC);
  request->set_text("Voir l’autre salon");
  REQUIRE(ada.call(deleting).has_delete_message());
  auto gone = scene.message(chloe, number);
  CHECK(gone.deleted());
  CHECK(gone.body().empty());
  CHECK(gone.deleted_by() == scene.ada_id);
  CHECK(gone.delete_reason() == v1::REASON_CODE_OFF_TOPIC);
  CHECK(gone.delete_text() == "Voir l’autre salon");

  v1::ClientFrame restoring;
  scene.about(restoring.mutable_restore_message(), number);
  CHECK(boris.call(restoring).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
  const auto restored = ada.call(restoring);
  const auto committed = done(restored, restored.restore_message());
  const auto back = scene.message(chloe, number);
  CHECK(back.body() == "des mots");
  CHECK_FALSE(back.deleted());
  const auto* told = find_event(chloe.wait_for(scene.stream(), committed.last_seq()),
                                [](const v1::Event& e) { return e.has_message_restored(); });
  REQUIRE(told);
  CHECK(told->message_restored().body() == "des mots");

  // What its author takes back stays away.
  v1::ClientFrame own;
  scene.about(own.mutable_delete_message(), number);
  REQUIRE(boris.call(own).has_delete_message());
  scene.about(restoring.mutable_restore_message(), number);
  CHECK(ada.call(restoring).refusal().rule_id() == "message.taken_back");
}

TEST_CASE("a room is locked and slowed down, and says how long to wait") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  v1::ClientFrame change;
  auto& request = *change.mutable_change_room();
  request.set_club_id(scene.club);
  request.set_room_id(scene.room);
  request.set_locked(true);
  request.set_client_msg_id(message_id());
  REQUIRE(ada.call(change).has_change_room());
  CHECK(boris.call(post(scene.stream(), scene.room, "x")).refusal().rule_id() == "room.locked");
  CHECK(ada.call(post(scene.stream(), scene.room, "un instant")).has_post_message());
  request.set_locked(false);
  request.set_slow_mode_s(600);
  request.set_client_msg_id(message_id());
  REQUIRE(ada.call(change).has_change_room());
  CHECK(boris.call(post(scene.stream(), scene.room, "un")).has_post_message());
  const auto slow = boris.call(post(scene.stream(), scene.room, "deux")).refusal();
  CHECK(slow.code() == v1::REFUSAL_CODE_RATE_LIMITED);
  CHECK(slow.rule_id() == "room.slow_mode");
  CHECK(slow.retry_after_ms() > 590'000);
  CHECK(boris.follow(scene.stream()).snapshot().club().rooms(0).slow_mode_s() == 600);
}

TEST_CASE("somebody's messages are looked at, taken away at once, and brought back") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  for (int i = 0; i < 5; ++i)
    REQUIRE(boris.call(post(scene.stream(), scene.room, "pourriel " + std::to_string(i)))
                .has_post_message());
  v1::ClientFrame find;
  find.mutable_find_messages()->set_club_id(scene.club);
  find.mutable_find_messages()->set_account_id(scene.boris_id);
  CHECK(boris.call(find).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
  const auto found = ada.call(find).find_messages();
  REQUIRE(found.messages_size() == 5);
  v1::ClientFrame remove;
  auto& request = *remove.mutable_remove_messages();
  request.set_club_id(scene.club);
  request.set_account_id(scene.boris_id);
  request.set_reason(v1::REASON_CODE_SPAM);
  request.set_client_msg_id(message_id());
  for (const auto& message : found.messages()) {
    auto& ref = *request.add_messages();
    ref.set_room_id(message.room_id());
    ref.set_number(message.number());
  }
  const auto removed = ada.call(remove);
  const auto committed = done(removed, removed.remove_messages());
  CHECK(committed.last_seq() - committed.first_seq() == 5);
  CHECK(ada.call(find).find_messages().messages_size() == 0);
  v1::ClientFrame list;
  list.mutable_list_removals()->set_club_id(scene.club);
  const auto listed = ada.call(list).list_removals();
  REQUIRE(listed.removals_size() == 1);
  CHECK(listed.removals(0).messages_size() == 5);
  v1::ClientFrame undo;
  undo.mutable_undo_removal()->set_club_id(scene.club);
  undo.mutable_undo_removal()->set_removal_id(committed.object_id());
  undo.mutable_undo_removal()->set_client_msg_id(message_id());
  const auto undone = ada.call(undo);
  done(undone, undone.undo_removal());
  CHECK(ada.call(find).find_messages().messages_size() == 5);
  CHECK(scene.message(boris, found.messages(0).number()).body() == found.messages(0).body());
}

TEST_CASE("a report keeps the words, hides who told, and tells them how it ended") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  auto chloe = scene.connect("chloe");
  ada.follow(scene.stream());
  chloe.follow(account_stream(scene.chloe_id));
  const auto said = boris.call(post(scene.stream(), scene.room, "des mots durs"));
  const uint64_t number = said.post_message().object_id();
  v1::ClientFrame file;
  auto& request = *file.mutable_file_report();
  request.set_club_id(scene.club);
  request.mutable_message()->set_room_id(scene.room);
  request.mutable_message()->set_number(number);
  request.set_reason(v1::REASON_CODE_INSULT);
  request.set_text("Cela blesse");
  request.set_client_msg_id(message_id());
  const auto filed = chloe.call(file);
  const auto committed = done(filed, filed.file_report());
  CHECK(chloe.call(file).file_report().repeated());

  // The author takes the words back; the report has them.
  v1::ClientFrame deleting;
  scene.about(deleting.mutable_delete_message(), number);
  REQUIRE(boris.call(deleting).has_delete_message());
  const auto* event = find_event(ada.wait_for(scene.stream(), committed.last_seq()),
                                 [](const v1::Event& e) { return e.has_report_filed(); });
  REQUIRE(event);
  CHECK(event->actor() == 0);
  v1::ClientFrame list;
  list.mutable_list_reports()->set_club_id(scene.club);
  CHECK(boris.call(list).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
  const auto queue = ada.call(list).list_reports();
  REQUIRE(queue.reports_size() == 1);
  CHECK(queue.reports(0).evidence(0).body() == "des mots durs");
  CHECK(queue.reports(0).account_id() == scene.boris_id);
  CHECK(queue.reports(0).score() > 0);
  CHECK_FALSE(queue.reports(0).escalated());

  v1::ClientFrame claim;
  claim.mutable_claim_report()->set_club_id(scene.club);
  claim.mutable_claim_report()->set_report_id(committed.object_id());
  claim.mutable_claim_report()->set_client_msg_id(message_id());
  REQUIRE(ada.call(claim).has_claim_report());
  v1::ClientFrame resolve;
  resolve.mutable_resolve_report()->set_club_id(scene.club);
  resolve.mutable_resolve_report()->set_report_id(committed.object_id());
  resolve.mutable_resolve_report()->set_state(v1::REPORT_STATE_ACTED);
  resolve.mutable_resolve_report()->set_client_msg_id(message_id());
  auto owner = scene.connect(RunningServer::kLogin);
  CHECK(owner.call(resolve).refusal().rule_id() == "report.claimed");
  REQUIRE(ada.call(resolve).has_resolve_report());
  CHECK(ada.call(list).list_reports().reports_size() == 0);
  // Told after the answer to Ada was: one more step, and the way to Chloé.
  const auto head = scene.connect("chloe").follow(account_stream(scene.chloe_id)).head_seq();
  const auto* told = find_event(chloe.wait_for(account_stream(scene.chloe_id), head),
                                [](const v1::Event& e) { return e.has_report_noticed(); });
  REQUIRE(told);
  CHECK(told->actor() == 0);
  CHECK(told->report_noticed().state() == v1::REPORT_STATE_ACTED);
}

TEST_CASE("a mute holds back a new name, also of who has left and would come back with it") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  const auto muted = ada.call(scene.impose(v1::SANCTION_KIND_MUTE, 3'600));
  done(muted, muted.impose_sanction());
  v1::ClientFrame rename;
  rename.mutable_change_profile()->set_display_name("Votez non");
  rename.mutable_change_profile()->set_client_msg_id(message_id());
  CHECK(boris.call(rename).refusal().code() == v1::REFUSAL_CODE_SANCTIONED);
  const auto left = boris.call(set_status(scene.club, scene.boris_id, v1::MEMBER_STATUS_LEFT));
  done(left, left.set_member_status());
  CHECK(boris.call(rename).refusal().code() == v1::REFUSAL_CODE_SANCTIONED);
}

TEST_CASE("a mute in one room holds back a new name, which that room would show") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  auto mute = scene.impose(v1::SANCTION_KIND_MUTE, 3'600);
  mute.mutable_impose_sanction()->set_room_id(scene.room);
  const auto muted = ada.call(mute);
  done(muted, muted.impose_sanction());
  v1::ClientFrame rename;
  rename.mutable_change_profile()->set_display_name("Votez non");
  rename.mutable_change_profile()->set_client_msg_id(message_id());
  CHECK(boris.call(rename).refusal().rule_id() == "sanction.mute_in_room");
}

TEST_CASE("who is suspended under an older mute is told of the suspension, with its whole time") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  const auto muted = ada.call(scene.impose(v1::SANCTION_KIND_MUTE, 3'600));
  done(muted, muted.impose_sanction());
  const auto suspended = ada.call(scene.impose(v1::SANCTION_KIND_SUSPENSION, 200 * 86'400));
  done(suspended, suspended.impose_sanction());
  v1::ClientFrame list;
  list.mutable_list_members()->set_club_id(scene.club);
  const auto refusal = boris.call(list).refusal();
  CHECK(refusal.rule_id() == "sanction.suspension");
  CHECK(refusal.sanction().sanction_id() == suspended.impose_sanction().object_id());
  // 200 days are more than 32 bits of milliseconds hold.
  CHECK(refusal.retry_after_ms() == std::numeric_limits<uint32_t>::max());
  CHECK(refusal.message().contains("200"));
}

TEST_CASE("who is banned from a club contests it from outside, and somebody else decides") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto boris = scene.connect("boris");
  auto owner = scene.connect(RunningServer::kLogin);
  boris.follow(account_stream(scene.boris_id));
  // Ada asks for it, Dora confirms: what puts somebody out takes two, and neither judges it again.
  scene.add("dora", v1::CLUB_ROLE_COMMITTEE);
  auto dora = scene.connect("dora");
  const auto proposed = ada.call(scene.impose(v1::SANCTION_KIND_BAN));
  const auto asked = done(proposed, proposed.impose_sanction());
  CHECK(asked.object_id() == 0);
  v1::ClientFrame confirm;
  confirm.mutable_decide_proposal()->set_club_id(scene.club);
  confirm.mutable_decide_proposal()->set_proposal_id(asked.proposal_id());
  confirm.mutable_decide_proposal()->set_confirm(true);
  confirm.mutable_decide_proposal()->set_client_msg_id(message_id());
  CHECK(ada.call(confirm).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);
  const auto confirmed = dora.call(confirm);
  done(confirmed, confirmed.decide_proposal());
  v1::ClientFrame standing;
  standing.mutable_list_sanctions()->set_club_id(scene.club);
  const auto found = ada.call(standing).list_sanctions();
  REQUIRE(found.cases_size() == 1);
  const uint64_t sanction = found.cases(0).sanction().sanction_id();

  v1::ClientFrame appeal;
  appeal.mutable_appeal_sanction()->set_club_id(scene.club);
  appeal.mutable_appeal_sanction()->set_sanction_id(sanction);
  appeal.mutable_appeal_sanction()->set_text("Ce n'était pas moi");
  appeal.mutable_appeal_sanction()->set_client_msg_id(message_id());
  CHECK(scene.connect("chloe").call(appeal).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
  const auto said = boris.call(appeal);
  done(said, said.appeal_sanction());

  v1::ClientFrame decide;
  auto& decision = *decide.mutable_decide_appeal();
  decision.set_club_id(scene.club);
  decision.set_sanction_id(sanction);
  decision.set_grant(true);
  decision.set_text("En effet");
  decision.set_client_msg_id(message_id());
  CHECK(ada.call(decide).refusal().rule_id() == "appeal.own_decision");
  CHECK(dora.call(decide).refusal().rule_id() == "appeal.own_decision");
  v1::ClientFrame list;
  list.mutable_list_appeals()->set_club_id(scene.club);
  const auto waiting = ada.call(list).list_appeals();
  REQUIRE(waiting.cases_size() == 1);
  CHECK(waiting.cases(0).appeal().lines(0).text() == "Ce n'était pas moi");
  const auto decided = owner.call(decide);
  done(decided, decided.decide_appeal());
  CHECK(ada.call(list).list_appeals().cases_size() == 0);

  v1::ClientFrame own;
  own.mutable_list_own_sanctions();
  const auto cases = boris.call(own).list_own_sanctions();
  REQUIRE(cases.cases_size() == 1);
  CHECK(cases.cases(0).appeal().state() == v1::APPEAL_STATE_GRANTED);
  CHECK(cases.cases(0).sanction().end() == v1::SANCTION_END_LIFTED);
  CHECK(cases.cases(0).note().empty());
  const auto head = scene.connect("boris").follow(account_stream(scene.boris_id)).head_seq();
  const auto* told = find_event(boris.wait_for(account_stream(scene.boris_id), head),
                                [](const v1::Event& e) { return e.has_appeal_noticed(); });
  REQUIRE(told);
  CHECK(told->appeal_noticed().state() == v1::APPEAL_STATE_GRANTED);
}

TEST_CASE("who is banned from the site contests it by name and password, and staff decide") {
  Scene scene;
  auto owner = scene.connect(RunningServer::kLogin);
  auto ban = scene.impose(v1::SANCTION_KIND_BAN);
  ban.mutable_impose_sanction()->set_club_id(0);
  const auto banned = owner.call(ban);
  const uint64_t sanction = done(banned, banned.impose_sanction()).object_id();

  WireClient door(scene.running.port());
  door.enter("");
  v1::ClientFrame appeal;
  auto& request = *appeal.mutable_appeal_site_ban();
  request.set_login("boris");
  request.set_password("not the password");
  request.set_text("Ce n'était pas moi");
  request.set_client_msg_id(message_id());
  CHECK(door.call(appeal).refusal().code() == v1::REFUSAL_CODE_BAD_CREDENTIALS);
  request.set_password(RunningServer::kPassword);
  const auto said = door.call(appeal).appeal_site_ban();
  CHECK(said.ban().sanction().sanction_id() == sanction);
  CHECK(said.ban().appeal().lines_size() == 1);
  CHECK(said.ban().note().empty());
  CHECK(door.call(appeal).appeal_site_ban().ban().appeal().lines_size() == 1);  // a repeat
  request.set_text("");
  CHECK(door.call(appeal).appeal_site_ban().ban().appeal().state() == v1::APPEAL_STATE_OPEN);
  request.set_login("chloe");
  CHECK(door.call(appeal).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);

  v1::ClientFrame everywhere;
  everywhere.mutable_list_appeals();
  REQUIRE(owner.call(everywhere).list_appeals().cases_size() == 1);
  v1::ClientFrame decide;
  decide.mutable_decide_appeal()->set_account_id(scene.boris_id);
  decide.mutable_decide_appeal()->set_sanction_id(sanction);
  decide.mutable_decide_appeal()->set_grant(true);
  decide.mutable_decide_appeal()->set_text("En effet");
  decide.mutable_decide_appeal()->set_client_msg_id(message_id());
  CHECK(owner.call(decide).refusal().rule_id() == "appeal.own_decision");
  v1::ClientFrame promote;
  promote.mutable_set_site_role()->set_login("ada");
  promote.mutable_set_site_role()->set_role(v1::SITE_ROLE_STAFF);
  promote.mutable_set_site_role()->set_client_msg_id(message_id());
  REQUIRE(owner.call(promote).has_set_site_role());
  auto ada = scene.connect("ada");
  const auto decided = ada.call(decide);
  done(decided, decided.decide_appeal());
  v1::ClientFrame login;
  login.mutable_login()->set_login("boris");
  login.mutable_login()->set_password(RunningServer::kPassword);
  login.mutable_login()->set_device_name("phone");
  CHECK(door.call(login).has_login());
}

TEST_CASE("a report about the committee goes to staff at once, and not to whom it is about") {
  Scene scene;
  auto ada = scene.connect("ada");
  auto chloe = scene.connect("chloe");
  v1::ClientFrame file;
  auto& request = *file.mutable_file_report();
  request.set_club_id(scene.club);
  request.set_account_id(scene.ada_id);
  request.set_reason(v1::REASON_CODE_HARASSMENT);
  request.set_client_msg_id(message_id());
  const auto filed = chloe.call(file);
  const auto committed = done(filed, filed.file_report());
  v1::ClientFrame list;
  list.mutable_list_reports()->set_club_id(scene.club);
  CHECK(ada.call(list).list_reports().reports_size() == 0);
  v1::ClientFrame claim;
  claim.mutable_claim_report()->set_club_id(scene.club);
  claim.mutable_claim_report()->set_report_id(committed.object_id());
  claim.mutable_claim_report()->set_client_msg_id(message_id());
  CHECK(ada.call(claim).refusal().code() == v1::REFUSAL_CODE_NOT_FOUND);
  auto owner = scene.connect(RunningServer::kLogin);
  v1::ClientFrame everywhere;
  everywhere.mutable_list_reports();
  const auto overdue = owner.call(everywhere).list_reports();
  REQUIRE(overdue.reports_size() == 1);
  CHECK(overdue.reports(0).escalated());
  CHECK(overdue.reports(0).club_id() == scene.club);
  CHECK(ada.call(everywhere).refusal().code() == v1::REFUSAL_CODE_FORBIDDEN);

  // That it was taken is in the log of acts; about whom and by whom, not for whom it is about.
  REQUIRE(owner.call(claim).has_claim_report());
  v1::ClientFrame prove;
  *prove.mutable_get_audit_proof()->mutable_stream() = scene.stream();
  const auto claim_seen_by = [&](WireClient& client) {
    const auto proof = client.call(prove).get_audit_proof();
    REQUIRE(proof.records_size() > 0);
    const auto& last = *proof.records().rbegin();
    CHECK(last.record().act() == v1::Event::kReportClaimedFieldNumber);
    return last.opening();
  };
  CHECK_FALSE(claim_seen_by(owner).details().empty());
  const auto hidden = claim_seen_by(ada);
  CHECK(hidden.details().empty());
  CHECK(hidden.actor() == 0);
  CHECK(hidden.actor_salt().empty());
}

}  // namespace
}  // namespace amicale
