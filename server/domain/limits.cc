// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/limits.h"

namespace amicale::domain {

v1::Limits served_limits() {
  v1::Limits served;
  served.set_frame_bytes(limits::frame_bytes);
  served.set_message_bytes(limits::message_bytes);
  served.set_name_bytes(limits::name_bytes);
  served.set_purpose_bytes(limits::purpose_bytes);
  served.set_emoji_bytes(limits::emoji_bytes);
  served.set_reactions_per_message(limits::reactions_per_message);
  served.set_mentions_per_message(limits::mentions_per_message);
  served.set_pins_per_room(limits::pins_per_room);
  served.set_rooms_per_club(limits::rooms_per_club);
  served.set_members_per_club(limits::members_per_club);
  served.set_subscriptions(limits::subscriptions);
  served.set_requests_in_flight(limits::requests_in_flight);
  served.set_history_page(limits::history_page);
  served.set_requests_per_second(limits::requests_per_second);
  served.set_request_burst(limits::request_burst);
  served.set_posts_per_10s(limits::posts_per_10s);
  served.set_devices_per_account(limits::devices_per_account);
  served.set_sockets_per_account(limits::sockets_per_account);
  served.set_password_min_bytes(limits::password_min_bytes);
  served.set_password_max_bytes(limits::password_max_bytes);
  served.set_signal_bytes_per_second(limits::signal_bytes_per_second);
  served.set_import_batch(limits::import_batch);
  served.set_server_frame_bytes(limits::server_frame_bytes);
  served.set_login_bytes(limits::login_bytes);
  return served;
}

}  // namespace amicale::domain
