// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <string>

#include "bench/load/driver.h"

namespace amicale::load {

// XMPP over WebSocket (RFC 7395): a session of its own for each link (SASL ANONYMOUS), a room of XEP-0045 with an archive
// (XEP-0313). A post is answered when the room sends it back to its author. After a cut the room itself gives its last
// messages. Whoever is in a room hears it: without Plan::follow the others' messages come all the same and are not counted.
//
// Options: path (/ws), domain (localhost), rooms (conference.localhost).
class XmppDriver : public Driver {
 public:
  using Driver::Driver;

  void prepare(const Plan& plan) override;
  void begin(Link& link) override;
  size_t take(Link& link, std::string_view bytes, Traffic& traffic) override;
  void post(Link& link, std::string_view text) override;
  bool page(Link& link) override;

 private:
  void take_stanza(Link& link, std::string_view stanza, Traffic& traffic);
  void take_message(Link& link, std::string_view stanza, Traffic& traffic);
  void take_archived(Link& link, std::string_view stanza, Traffic& traffic);
  void open_stream(Link& link);
  void enter(Link& link);
  void send(Link& link, std::string_view stanza);
  std::string address(const Link& link) const;
  // Another one after a cut: the room may still hold the seat of who is gone.
  static std::string nick(const Link& link) {
    return "m" + std::to_string(link.index) + (link.again ? "again" : "");
  }

  Plan plan_;
  std::string path_, domain_, rooms_;
  std::string scratch_;
};

}  // namespace amicale::load
