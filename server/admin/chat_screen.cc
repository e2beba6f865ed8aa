// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The chat screen and what the SDK tells it. Keys are in chat_keys.cc, commands in chat_commands.cc, drawing in
// chat_draw.cc.
#include "server/admin/chat_screen.h"

#include <algorithm>

#include "server/admin/failure_text.h"
#include "server/admin/vocabulary.h"
#include "server/domain/limits.h"

namespace amicale::admin {
namespace {

using namespace std::chrono_literals;
namespace limits = domain::limits;

constexpr std::size_t kSystemLines =
    200;  // of one club: what a person may still want to read of joins
// Between two joins of a batch lie at most the events of the invitations that made them.
constexpr std::uint64_t kSeqsApart = 3;
constexpr auto kNoticeShown = 6s;

bool is_active(const v1::Member& member) { return member.status() == v1::MEMBER_STATUS_ACTIVE; }

}  // namespace

ChatScreen::ChatScreen(Options options)
    : options_(std::move(options)),
      read_when_opened_(kNoMessage),
      composer_(limits::message_bytes) {}

std::vector<Effect> ChatScreen::take_effects() { return std::exchange(effects_, {}); }

void ChatScreen::tell(std::string text, client::Time now, bool is_error) {
  notice_ = std::move(text);
  notice_is_error_ = is_error;
  notice_until_ = now + kNoticeShown;
}

void ChatScreen::on(const client::Happening& happening, client::Time now) {
  if (const auto* batch = std::get_if<client::Batch>(&happening)) on_events(*batch, now);
  model_.apply(happening, now);

  if (std::holds_alternative<client::Connecting>(happening)) {
    if (!was_online_) link_ = Link::connecting;
  } else if (const auto* online = std::get_if<client::Online>(&happening)) {
    if (was_online_ && link_ != Link::online) tell(text(phrase::chat_back), now);
    if (!was_online_) last_key_ = now;  // somebody has just started this
    on_online(*online);
  } else if (const auto* waiting = std::get_if<client::Waiting>(&happening)) {
    link_ = Link::waiting;
    retry_at_ = waiting->until;
    why_ = explain(waiting->why, options_.language);
    names_asked_.clear();
    history_asked_.clear();  // queries are not repeated for ever; what is missing is asked again
  } else if (const auto* closed = std::get_if<client::Closed>(&happening)) {
    link_ = Link::closed;
    why_ = explain(closed->why, options_.language);
  } else if (const auto* resynced = std::get_if<client::Resynced>(&happening)) {
    std::erase_if(history_asked_,
                  [&](const auto& asked) { return asked.first.stream == resynced->stream; });
    if (resynced->stream.kind == v1::STREAM_KIND_CLUB) load_members(resynced->stream.id);
    choose_first_place();
  } else if (const auto* renewed = std::get_if<client::Renewed>(&happening)) {
    std::erase_if(history_asked_, [&](const auto& asked) {
      return asked.first.stream == renewed->stream && !renewed->held.contains(asked.first.room_id);
    });
    load_members(renewed->stream.id);
    if (current_ && !timeline()) current_.reset();
    choose_first_place();
  } else if (const auto* batch = std::get_if<client::Batch>(&happening)) {
    // Rooms may have gone; a conversation that was asked for may be here.
    if (batch->stream.kind == v1::STREAM_KIND_CLUB && current_ && !timeline()) current_.reset();
    choose_first_place();
  } else if (const auto* ended = std::get_if<client::Ended>(&happening)) {
    followed_.erase(ended->stream);  // a suspension ends: then it is followed anew
  } else if (const auto* refused = std::get_if<client::FollowRefused>(&happening)) {
    followed_.erase(refused->stream);
    tell(printable(refused->refusal.message()), now, true);
  } else if (const auto* alarm = std::get_if<client::AuditAlarm>(&happening)) {
    tell(text(phrase::audit_alarm, text(phrase_for(alarm->fault))), now, true);
  } else if (const auto* answered = std::get_if<client::Answered>(&happening)) {
    on_answer(*answered, now);
  }
}

void ChatScreen::on_online(const client::Online& online) {
  link_ = Link::online;
  was_online_ = true;
  if (online.me.language() != v1::LANGUAGE_UNSPECIFIED &&
      options_.language == v1::LANGUAGE_UNSPECIFIED) {
    options_.language = online.me.language();
  }
  v1::ClientFrame clubs, directs;
  clubs.mutable_list_clubs();
  directs.mutable_list_directs();
  ask(std::move(clubs));
  ask(std::move(directs));
}

void ChatScreen::follow(client::Stream stream) {
  // One subscription is the account's own stream.
  if (followed_.size() + 1 >= limits::subscriptions || !followed_.insert(stream).second) return;
  effects_.push_back(FollowStream{stream});
}

void ChatScreen::load_members(std::uint64_t club_id) {
  const client::ClubState* club = model_.club(club_id);
  if (!club || club->members_after == 0 || club->members.size() >= kMembersLoaded) return;
  v1::ClientFrame frame;
  frame.mutable_list_members()->set_club_id(club_id);
  frame.mutable_list_members()->set_after(club->members_after);
  ask(std::move(frame));
}

void ChatScreen::on_answer(const client::Answered& answered, client::Time now) {
  const v1::ClientFrame& request = answered.request;
  if (request.has_get_history()) {
    const auto& asked = request.get_history();
    const Place place{client::Stream::from(asked.stream()), asked.room_id()};
    // A failed one is forgotten after the next reconnection only, so that a refusal is not asked for ever.
    if (answered.result) history_asked_.erase({place, asked.around()});
  }
  if (!answered.result) return on_refused(answered, now);
  const v1::Reply& reply = *answered.result;
  if (request.has_list_clubs()) {
    for (const auto& listed : reply.list_clubs().clubs()) {
      const bool wanted = !options_.club.empty() && listed.club().slug() == options_.club;
      if (listed.status() == v1::MEMBER_STATUS_ACTIVE || wanted) {
        follow(client::Stream::club(listed.club().club_id()));
      }
    }
  } else if (request.has_list_directs()) {
    for (const auto& direct : reply.list_directs().directs()) {
      follow(client::Stream::direct(direct.direct_id()));
    }
  } else if (request.has_list_members()) {
    if (reply.list_members().next() != 0) load_members(request.list_members().club_id());
  } else if (request.has_count_mentions() && counted_post_) {
    const auto& counted = reply.count_mentions();
    if (!counted.allowed()) {
      tell(text(phrase::chat_all_not_allowed), now, true);
    } else {
      question_ =
          Question{text(phrase::chat_ask_all, counted.head_count()), {Ask{*counted_post_}}, true};
    }
    counted_post_.reset();
  } else if (request.has_open_direct()) {
    const auto stream = client::Stream::between(me(), request.open_direct().account_id());
    follow(stream);
    wanted_place_ = Place{stream, 0};
    choose_first_place();
  } else if (request.has_list_sanctions() || request.has_list_own_sanctions()) {
    const auto& found = request.has_list_sanctions() ? reply.list_sanctions().cases()
                                                     : reply.list_own_sanctions().cases();
    cases_.assign(found.begin(), found.end());
    if (cases_.empty()) return tell(text(phrase::chat_no_sanctions), now);
    overlay_ = Overlay::sanctions;
    overlay_top_ = 0;
  } else if (request.has_list_appeals()) {
    const auto& found = reply.list_appeals().cases();
    cases_.assign(found.begin(), found.end());
    if (cases_.empty()) return tell(text(phrase::chat_no_appeals), now);
    overlay_ = Overlay::appeals;
    overlay_top_ = 0;
  } else if (request.has_list_reports()) {
    const auto& found = reply.list_reports().reports();
    reports_.assign(found.begin(), found.end());
    if (reports_.empty()) return tell(text(phrase::chat_no_reports), now);
    overlay_ = Overlay::reports;
    overlay_top_ = 0;
  } else if (request.has_list_held()) {
    const auto& found = reply.list_held().held();
    held_.assign(found.begin(), found.end());
    held_club_ = request.list_held().club_id();
    if (held_.empty()) return tell(text(phrase::chat_no_held), now);
    overlay_ = Overlay::held;
    overlay_top_ = 0;
  } else if (request.has_review_held()) {
    tell(text(request.review_held().release() ? phrase::held_released : phrase::held_rejected),
         now);
  } else if (request.has_file_report()) {
    tell(text(phrase::report_filed, reply.file_report().object_id()), now);
  } else if (request.has_appeal_sanction() || request.has_decide_appeal()) {
    tell(text(phrase::done), now);
  } else if (request.has_claim_report() || request.has_resolve_report()) {
    tell(text(phrase::done), now);
  } else if (request.has_find_messages()) {
    const auto& found = reply.find_messages();
    if (found.messages().empty()) return tell(text(phrase::chat_nothing_to_purge), now);
    purge_.clear_messages();
    for (const auto& message : found.messages()) {
      auto& ref = *purge_.add_messages();
      ref.set_room_id(message.room_id());
      ref.set_number(message.number());
    }
    v1::ClientFrame frame;
    *frame.mutable_remove_messages() = purge_;
    const auto stream = client::Stream::club(purge_.club_id());
    question_ =
        Question{purge_.newcomers() ? text(phrase::chat_ask_sweep, found.messages_size())
                                    : text(phrase::chat_ask_purge, found.messages_size(),
                                           printable(model_.name(stream, purge_.account_id()))),
                 {Ask{std::move(frame)}},
                 false};
  } else if (request.has_remove_messages()) {
    last_removal_ = {request.remove_messages().club_id(), reply.remove_messages().object_id()};
    tell(text(phrase::chat_removed, last_removal_.second), now);
  } else if (request.has_undo_removal() || request.has_start_raid_mode() ||
             request.has_end_raid_mode()) {
    tell(text(phrase::done), now);
  } else if (request.has_get_charter()) {
    charter_ = reply.get_charter().charter();
    if (charter_.rules().empty()) return tell(text(phrase::charter_none), now);
    overlay_ = Overlay::charter;
    overlay_top_ = 0;
  } else if (request.has_accept_charter()) {
    tell(text(phrase::chat_charter_thanks, reply.accept_charter().object_id()), now);
  } else if (request.has_suggest_sanction()) {
    const auto& advice = reply.suggest_sanction();
    const auto step = static_cast<int>(advice.step());
    if (step >= advice.rule().ladder_size()) return tell(text(phrase::suggest_none), now);
    const auto& next = advice.rule().ladder(step);
    const std::string time = next.duration_s() == 0
                                 ? std::string()
                                 : " " + duration_word(next.duration_s(), options_.language);
    tell(text(phrase::chat_advice, text(name_of(next.measure())) + time,
              printable(advice.rule().rule_id()), advice.counted_size()),
         now);
  } else if (request.has_list_proposals()) {
    proposals_.clear();
    for (const auto& one : reply.list_proposals().cases()) proposals_.push_back(one.proposal());
    if (proposals_.empty()) return tell(text(phrase::chat_no_proposals), now);
    overlay_ = Overlay::proposals;
    overlay_top_ = 0;
  } else if (request.has_decide_proposal() || request.has_withdraw_proposal()) {
    tell(text(phrase::done), now);
  } else if (request.has_impose_sanction() && reply.impose_sanction().proposal_id() != 0) {
    tell(text(phrase::proposal_waits, reply.impose_sanction().proposal_id()), now);
  } else if (request.has_impose_sanction()) {
    tell(text(phrase::sanction_imposed, reply.impose_sanction().object_id()), now);
  } else if (request.has_lift_sanction()) {
    tell(text(phrase::done), now);
  } else if (request.has_set_level()) {
    tell(text(phrase::chat_level_now, text(name_of(request.set_level().level()))), now);
  }
}

void ChatScreen::on_refused(const client::Answered& answered, client::Time now) {
  const v1::ClientFrame& request = answered.request;
  if (request.has_count_mentions()) counted_post_.reset();
  if (request.has_mark_read()) {
    const auto& mark = request.mark_read();
    marked_.erase({client::Stream::from(mark.stream()), mark.room_id()});
    return;
  }
  const auto& failure = answered.result.error();
  if (failure.kind == client::Failure::Kind::Refused && failure.refusal.has_charter()) {
    const auto& quoted = failure.refusal.charter();
    if (failure.refusal.code() == v1::REFUSAL_CODE_CHARTER_NEEDED)
      return tell(text(phrase::chat_charter_new, quoted.version()), now, true);
    if (request.has_post_message()) {
      tell(text(phrase::chat_charter_rule, printable(quoted.rule_id()),
                printable(quoted.sentence())),
           now, true);
    }
  }
  // Typing is a courtesy; a post's failure stands beside the post.
  if (request.has_set_typing() || request.has_post_message()) return;
  if (answered.result.error().kind == client::Failure::Kind::Cancelled) return;
  tell(explain(answered.result.error(), options_.language), now, true);
}

namespace {

const Phrase& appeal_word(v1::AppealState state) {
  if (state == v1::APPEAL_STATE_GRANTED) return phrase::appeal_granted;
  return state == v1::APPEAL_STATE_DENIED ? phrase::appeal_denied : phrase::appeal_open;
}

}  // namespace

// Said in so many words: a warning holds nothing back, and would otherwise pass unseen.
void ChatScreen::on_sanction(const v1::Sanction& sanction, client::Time now) {
  const bool begins =
      sanction.end() == v1::SANCTION_END_UNSPECIFIED || sanction.end() == v1::SANCTION_END_AT_ONCE;
  std::string rule;
  if (begins && sanction.has_rule()) {
    const bool english = options_.language == v1::LANGUAGE_EN;
    rule = " – " + text(phrase::chat_charter_rule, printable(sanction.rule().rule_id()),
                        printable(english ? sanction.rule().en() : sanction.rule().fr()));
  }
  if (sanction.kind() == v1::SANCTION_KIND_WARNING) {
    tell(text(phrase::chat_warned, text(name_of(sanction.reason())), printable(sanction.text())) +
             rule,
         now, true);
  } else {
    tell(sanction_line(sanction) + rule, now, sanction.end() == v1::SANCTION_END_UNSPECIFIED);
  }
  effects_.push_back(Ring{});
}

void ChatScreen::on_events(const client::Batch& batch, client::Time now) {
  for (const auto& event : batch.events) {
    if (batch.stream.kind == v1::STREAM_KIND_ACCOUNT) {
      v1::ClientFrame frame;
      if (event.has_membership_noticed())
        frame.mutable_list_clubs();
      else if (event.has_direct_noticed())
        frame.mutable_list_directs();
      else if (event.has_sanction_noticed())
        on_sanction(event.sanction_noticed().sanction(), now);
      else if (event.has_appeal_noticed())
        tell(text(phrase::chat_appeal_news, event.appeal_noticed().sanction_id(),
                  text(appeal_word(event.appeal_noticed().state()))),
             now);
      else if (event.has_report_noticed())
        tell(text(phrase::chat_report_closed, event.report_noticed().report_id()), now);
      if (frame.body_case() == v1::ClientFrame::BODY_NOT_SET) continue;
      ask(std::move(frame));
    } else if (event.has_appeal_said() && event.actor() != me() &&
               event.appeal_said().account_id() == event.actor()) {
      tell(text(phrase::chat_appeal_waits, event.appeal_said().sanction_id()), now);
    } else if (event.has_charter_adopted()) {
      tell(text(phrase::chat_charter_new, event.charter_adopted().charter().version()), now);
    } else if (event.has_act_proposed() && event.actor() != me()) {
      const auto& proposal = event.act_proposed().proposal();
      const auto number = proposal.proposal_id();
      const auto whom = proposal.account_id() == 0
                            ? text(phrase::none)
                            : printable(name(batch.stream, proposal.account_id()));
      const auto* behalf = event.has_on_behalf() ? &event.on_behalf() : nullptr;
      tell(text(phrase::chat_proposal_news, doers(batch.stream, event.actor(), 0, behalf), number,
                act_text(proposal), whom, number, number),
           now);
    } else if (event.has_proposal_closed() && event.actor() != me()) {
      tell(text(phrase::chat_proposal_closed, event.proposal_closed().proposal_id(),
                text(name_of(event.proposal_closed().state()))),
           now);
    } else if (event.has_message_held() && event.actor() != me()) {
      tell(text(phrase::chat_held_waits, event.message_held().held_id(),
                printable(name(batch.stream, event.actor()))),
           now);
    } else if (event.has_report_filed()) {
      tell(text(phrase::chat_report_waits), now);
    } else if (event.has_raid_mode_started() || event.has_raid_mode_prolonged() ||
               event.has_raid_mode_ended()) {
      on_raid(batch.stream.id, event, now);
    } else if (event.has_room_slowed() || event.has_room_slow_ended()) {
      const bool begins = event.has_room_slowed();
      const std::uint64_t room_id =
          begins ? event.room_slowed().room_id() : event.room_slow_ended().room_id();
      SystemLine line{event.seq(), {place_name({batch.stream, room_id})}, nullptr, nullptr, {}};
      line.phrase = begins ? &phrase::chat_room_slowed : &phrase::chat_room_slow_ended;
      if (begins) line.extra = time_text(event.room_slowed().until_ms());
      tell(text(*line.phrase, line.names.front(), line.extra), now);
      add_system_line(batch.stream.id, std::move(line));
    } else if (event.has_member_changed()) {
      on_member_changed(batch.stream.id, event);
    } else if (event.has_message_posted() && event.actor() != me() &&
               event.message_posted().author() != me() &&
               event.message_posted().imported_author().empty()) {
      const auto& posted = event.message_posted();
      const Place place{batch.stream, posted.room_id()};
      const auto level = model_.level(place.stream, place.room_id);
      v1::Message message;
      *message.mutable_mentions() = posted.mentions();
      const bool for_me =
          place.stream.kind == v1::STREAM_KIND_DIRECT || model_.mentions_me(place.stream, message);
      if (for_me) mention_at_[place] = posted.number();
      const bool looking = current_ == place && !anchor_;
      if (level != v1::NOTIFICATION_LEVEL_MUTED && !looking &&
          (for_me || level == v1::NOTIFICATION_LEVEL_ALL)) {
        effects_.push_back(Ring{});
      }
    }
  }
}

// A line in the club's rooms for everybody, and at once for who is looking.
void ChatScreen::on_raid(std::uint64_t club_id, const v1::Event& event, client::Time now) {
  SystemLine line{event.seq(), {}, nullptr, nullptr, {}};
  if (event.has_raid_mode_started()) {
    const v1::RaidMode& raid = event.raid_mode_started().raid();
    line.phrase = &phrase::chat_raid_started;
    line.names = {raid.text().empty() ? text(name_of(raid.trigger())) : printable(raid.text())};
    line.extra = time_text(raid.until_ms());
  } else if (event.has_raid_mode_prolonged()) {
    line.phrase = &phrase::chat_raid_prolonged;
    line.names = {time_text(event.raid_mode_prolonged().until_ms())};
  } else {
    line.phrase = &phrase::chat_raid_ended;
    line.names = {printable(event.raid_mode_ended().text())};
  }
  tell(text(*line.phrase, line.names.front(), line.extra), now, event.has_raid_mode_started());
  if (event.has_raid_mode_started()) effects_.push_back(Ring{});
  add_system_line(club_id, std::move(line));
}

void ChatScreen::on_member_changed(std::uint64_t club_id, const v1::Event& event) {
  const client::ClubState* club = model_.club(club_id);
  if (!club) return;
  const v1::Member& after = event.member_changed().member();
  const auto known = club->members.find(after.account_id());
  const v1::Member* before = known == club->members.end() ? nullptr : &known->second;
  const bool was_active =
      before ? is_active(*before) : club->members_after != 0 && after.since_ms() < event.time_ms();
  SystemLine line{event.seq(), {after.display_name()}, nullptr, nullptr, {}};
  if (is_active(after) && !was_active) {
    line.phrase = &phrase::chat_joined;
    line.many = &phrase::chat_joined_many;
  } else if (!is_active(after) && was_active && after.status() >= v1::MEMBER_STATUS_REMOVED &&
             after.status() != v1::MEMBER_STATUS_SUSPENDED) {
    line.phrase = &phrase::chat_left;
    line.many = &phrase::chat_left_many;
  } else if (before && is_active(after) && before->role() != after.role()) {
    line.phrase = &phrase::chat_role_now;
    line.extra = text(name_of(after.role()));
  } else if (before && is_active(after) && before->display_name() != after.display_name()) {
    line.names = {before->display_name()};
    line.phrase = &phrase::chat_called_now;
    line.extra = after.display_name();
  } else {
    return;
  }
  add_system_line(club_id, std::move(line));
}

void ChatScreen::add_system_line(std::uint64_t club_id, SystemLine line) {
  auto& lines = system_lines_[club_id];
  // Many who come one after the other are one line.
  if (line.many && !lines.empty() && lines.back().phrase == line.phrase &&
      line.seq - lines.back().seq <= kSeqsApart && lines.back().names.size() < kMembersLoaded) {
    lines.back().names.push_back(line.names.front());
    lines.back().seq = line.seq;
    return;
  }
  lines.push_back(std::move(line));
  if (lines.size() > kSystemLines) lines.pop_front();
}

void ChatScreen::choose_first_place() {
  if (wanted_place_ && model_.timeline(wanted_place_->stream, wanted_place_->room_id)) {
    const Place place = *wanted_place_;
    wanted_place_.reset();
    go(place);
    return;
  }
  if (!options_.club.empty()) {
    for (const auto& [id, club] : model_.clubs()) {
      if (club.club.slug() != options_.club) continue;
      const std::string wanted = folded(options_.room);
      for (const auto& [room_id, room] : club.rooms) {
        if (!options_.room.empty() && folded(room.room.name()) != wanted) continue;
        options_.club.clear();
        return go({client::Stream::club(id), room_id});
      }
    }
  }
  if (current_) return;
  // The club that was asked for may still be on its way.
  const auto all = places();
  if (all.empty()) return;
  go(all.front());
}

std::vector<Place> ChatScreen::places() const {
  std::vector<std::pair<std::string, std::uint64_t>> clubs, directs;
  for (const auto& [id, club] : model_.clubs()) {
    if (!club.ended) clubs.emplace_back(folded(club.club.name()), id);
  }
  for (const auto& [id, direct] : model_.directs()) {
    if (!direct.ended) directs.emplace_back(folded(direct.direct.other_name()), id);
  }
  std::ranges::sort(clubs);
  std::ranges::sort(directs);
  std::vector<Place> out;
  for (const auto& [name, id] : clubs) {
    for (const bool archived : {false, true}) {
      for (const auto& [room_id, room] : model_.club(id)->rooms) {
        if (room.room.archived() == archived) out.push_back({client::Stream::club(id), room_id});
      }
    }
  }
  for (const auto& [name, id] : directs) out.push_back({client::Stream::direct(id), 0});
  return out;
}

std::string ChatScreen::place_name(const Place& place) const {
  if (place.stream.kind == v1::STREAM_KIND_DIRECT) {
    const auto* direct = model_.direct(place.stream.id);
    return direct && !direct->direct.other_name().empty() ? direct->direct.other_name()
                                                          : text(phrase::chat_someone);
  }
  const auto* club = model_.club(place.stream.id);
  if (!club) return {};
  const auto room = club->rooms.find(place.room_id);
  return room == club->rooms.end() ? std::string() : room->second.room.name();
}

const client::Timeline* ChatScreen::timeline() const {
  return current_ ? model_.timeline(current_->stream, current_->room_id) : nullptr;
}

const v1::Room* ChatScreen::room() const {
  if (!current_ || current_->stream.kind != v1::STREAM_KIND_CLUB) return nullptr;
  const auto* club = model_.club(current_->stream.id);
  if (!club) return nullptr;
  const auto found = club->rooms.find(current_->room_id);
  return found == club->rooms.end() ? nullptr : &found->second.room;
}

const client::DirectState* ChatScreen::direct() const {
  if (!current_ || current_->stream.kind != v1::STREAM_KIND_DIRECT) return nullptr;
  return model_.direct(current_->stream.id);
}

bool ChatScreen::asked_of_me() const {
  const auto* conversation = direct();
  return conversation && conversation->direct.status() == v1::DIRECT_STATUS_REQUESTED &&
         conversation->direct.requested_by() != me() && !conversation->direct.blocked_by_me();
}

bool ChatScreen::mentioned(const Place& place) const {
  const auto found = mention_at_.find(place);
  return found != mention_at_.end() &&
         found->second > model_.read_mark(place.stream, place.room_id);
}

std::string ChatScreen::name(client::Stream stream, std::uint64_t account_id) const {
  std::string known = model_.name(stream, account_id);
  return known.empty() ? text(phrase::chat_someone) : known;
}

}  // namespace amicale::admin
