// SPDX-License-Identifier: AGPL-3.0-or-later
#include "bench/load/xmpp_driver.h"

#include <charconv>
#include <stdexcept>

#include "bench/load/websocket.h"

namespace amicale::load {
namespace {

enum Stage : uint32_t { upgrading, authenticating, binding, entering, live };

// The text between <body> and </body>: our texts need no unescaping. Nothing when there is none.
std::string_view body_of(std::string_view stanza) {
  size_t from = stanza.find("<body");
  if (from == std::string_view::npos) return {};
  from = stanza.find('>', from);
  const size_t to = stanza.find("</body>", from);
  if (from == std::string_view::npos || to == std::string_view::npos) return {};
  return stanza.substr(from + 1, to - from - 1);
}

// An attribute of the stanza's first element, whichever quotes it has.
std::string_view attribute(std::string_view stanza, std::string_view name) {
  const std::string_view head = stanza.substr(0, stanza.find('>'));
  for (size_t at = 0; (at = head.find(name, at)) != std::string_view::npos; at += name.size()) {
    const size_t quote = at + name.size() + 1;
    if (at == 0 || head[at - 1] != ' ' || quote >= head.size() || head[quote - 1] != '=') continue;
    const size_t end = head.find(head[quote], quote + 1);
    if (end == std::string_view::npos) return {};
    return head.substr(quote + 1, end - quote - 1);
  }
  return {};
}

bool has(std::string_view stanza, std::string_view what) {
  return stanza.find(what) != std::string_view::npos;
}

}  // namespace

void XmppDriver::prepare(const Plan& plan) {
  plan_ = plan;
  auto option = [&](const char* name, const char* otherwise) {
    const auto found = target_.options.find(name);
    return found != target_.options.end() ? found->second : std::string(otherwise);
  };
  path_ = option("path", "/ws");
  domain_ = option("domain", "localhost");
  rooms_ = option("rooms", "conference.localhost");
  if (plan.history > 0)
    throw std::runtime_error("rooms are filled by posting: this driver makes no history");
}

std::string XmppDriver::address(const Link& link) const {
  // A plan's shape has rooms of its own: a room keeps its archive, and its last messages, from run to run.
  return "r" + std::to_string(plan_.rooms) + "x" + std::to_string(plan_.members) + "-" +
         std::to_string(link.room) + "@" + rooms_;
}

void XmppDriver::send(Link& link, std::string_view stanza) {
  append_frame(link.out, Opcode::text, stanza);
}

void XmppDriver::open_stream(Link& link) {
  send(link,
       "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='" + domain_ + "' version='1.0'/>");
}

void XmppDriver::begin(Link& link) {
  link.stage = upgrading;
  append_upgrade(link.out, domain_, path_, "xmpp");
}

size_t XmppDriver::take(Link& link, std::string_view bytes, Traffic& traffic) {
  size_t used = 0;
  if (link.stage == upgrading) {
    used = upgrade_answer(bytes);
    if (used == 0) return 0;
    link.stage = authenticating;
    open_stream(link);
  }
  Frame frame;
  while (next_frame(bytes.substr(used), frame)) {
    used += frame.size;
    switch (frame.opcode) {
      case Opcode::ping: append_frame(link.out, Opcode::pong, frame.payload); break;
      case Opcode::text: take_stanza(link, frame.payload, traffic); break;
      case Opcode::close: traffic.refused(link, "the server closes"); return used;
      default: break;
    }
  }
  return used;
}

void XmppDriver::take_stanza(Link& link, std::string_view stanza, Traffic& traffic) {
  if (stanza.starts_with("<message")) return take_message(link, stanza, traffic);
  if (stanza.starts_with("<presence")) {
    if (attribute(stanza, "type") == "error") traffic.refused(link, stanza.substr(0, 200));
    return;
  }
  if (stanza.starts_with("<failure") || stanza.starts_with("<close") ||
      stanza.starts_with("<stream:error")) {
    return traffic.refused(link, stanza.substr(0, 200));
  }
  if (stanza.starts_with("<stream:features")) {
    if (link.stage == authenticating) {
      send(link, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
    } else {
      send(link,
           "<iq xmlns='jabber:client' type='set' id='bind'>"
           "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    }
    return;
  }
  if (stanza.starts_with("<success")) {
    link.stage = binding;
    return open_stream(link);
  }
  if (!stanza.starts_with("<iq")) return;
  const std::string_view type = attribute(stanza, "type");
  if (type == "error") return traffic.refused(link, stanza.substr(0, 200));
  if (type == "result" && attribute(stanza, "id") == "bind") return enter(link);
  if (type == "result" && has(stanza, "<fin")) {
    traffic.paged(link, static_cast<uint32_t>(link.mark), link.cursor);
    link.mark = link.cursor = 0;
  }
  if (type == "get") {
    // A ping of the server's, mostly: whatever it is, it gets the answer that keeps the session.
    send(link, "<iq xmlns='jabber:client' type='result' to='" +
                   std::string(attribute(stanza, "from")) + "' id='" +
                   std::string(attribute(stanza, "id")) + "'/>");
  }
}

void XmppDriver::enter(Link& link) {
  link.stage = entering;
  const uint32_t wanted = link.again ? plan_.missed : 0;
  send(link, "<presence xmlns='jabber:client' to='" + address(link) + "/" + nick(link) +
                 "'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='" +
                 std::to_string(wanted) + "'/></x></presence>");
}

void XmppDriver::take_message(Link& link, std::string_view stanza, Traffic& traffic) {
  if (attribute(stanza, "type") == "error") return traffic.refused(link, stanza.substr(0, 300));
  if (has(stanza, "<forwarded")) return take_archived(link, stanza, traffic);
  const std::string_view text = body_of(stanza);
  if (text.empty()) {
    // The room's subject is the last thing that one is told on entering.
    if (link.stage == entering && has(stanza, "<subject")) {
      link.stage = live;
      traffic.joined(link);
    }
    return;
  }
  if (plan_.follow) traffic.delivered(link, text);
  if (link.stage != live) return;
  const std::string_view from = attribute(stanza, "from");
  const size_t slash = from.rfind('/');
  if (slash != std::string_view::npos && from.substr(slash + 1) == nick(link))
    traffic.accepted(link);
}

void XmppDriver::take_archived(Link& link, std::string_view stanza, Traffic&) {
  const std::string_view text = body_of(stanza);
  if (text.empty()) return;
  ++link.mark;
  link.cursor += text.size();
}

void XmppDriver::post(Link& link, std::string_view text) {
  scratch_ = "<message xmlns='jabber:client' type='groupchat' to='";
  scratch_ += address(link);
  scratch_ += "' id='";
  scratch_ += std::to_string(++link.requests);
  scratch_ += "'><body>";
  scratch_ += text;
  scratch_ += "</body></message>";
  send(link, scratch_);
}

bool XmppDriver::page(Link& link) {
  send(link, "<iq xmlns='jabber:client' type='set' to='" + address(link) + "' id='" +
                 std::to_string(++link.requests) +
                 "'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>"
                 "<max>" +
                 std::to_string(plan_.page) + "</max><before/></set></query></iq>");
  return true;
}

}  // namespace amicale::load
