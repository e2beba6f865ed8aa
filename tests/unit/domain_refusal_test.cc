// SPDX-License-Identifier: AGPL-3.0-or-later
#include <doctest/doctest.h>

#include <string>

#include "server/domain/limits.h"
#include "server/domain/permissions.h"
#include "server/domain/refusal.h"

namespace amicale::domain {
namespace {

TEST_CASE("every refusal code has its sentence in French and in English") {
  for (int i = v1::RefusalCode_MIN + 1; i <= v1::RefusalCode_MAX; ++i) {
    if (!v1::RefusalCode_IsValid(i)) continue;
    const auto code = static_cast<v1::RefusalCode>(i);
    const auto fr = sentence(code, {}, v1::LANGUAGE_FR);
    const auto en = sentence(code, {}, v1::LANGUAGE_EN);
    CHECK_MESSAGE(!fr.empty(), v1::RefusalCode_Name(code));
    CHECK_MESSAGE(!en.empty(), v1::RefusalCode_Name(code));
    CHECK(fr != en);
    CHECK(sentence(code, {}, v1::LANGUAGE_UNSPECIFIED) == fr);
  }
}

TEST_CASE("an unknown rule falls back to the sentence of its code, a known one has a better one") {
  const auto general = sentence(v1::REFUSAL_CODE_CONFLICT, {}, v1::LANGUAGE_EN);
  CHECK(sentence(v1::REFUSAL_CODE_CONFLICT, "of.part_three", v1::LANGUAGE_EN) == general);
  CHECK(sentence(v1::REFUSAL_CODE_CONFLICT, "room.archived", v1::LANGUAGE_EN) != general);
}

TEST_CASE("French sentences keep their no-break spaces and typographic apostrophes") {
  for (const char* rule : {"room.archived", "club.capacity_below_members"}) {
    const std::string text(sentence(v1::REFUSAL_CODE_CONFLICT, rule, v1::LANGUAGE_FR));
    CHECK(text.find(" :") == std::string::npos);
    CHECK(text.find("\u00a0:") != std::string::npos);
    CHECK(text.find('\'') == std::string::npos);
  }
}

TEST_CASE("a sentence is sent with its numbers filled in, in the caller's language") {
  auto wire = to_wire(too_large("body", 16'384, 20'000).error(), v1::LANGUAGE_EN);
  CHECK(wire.message() == "Too much: 20000, and at most 16384 is allowed.");
  CHECK(wire.field() == "body");
  CHECK(wire.limit() == 16'384);
  CHECK(wire.actual() == 20'000);

  wire = to_wire(rate_limited("rate.posts", 1'200).error(), v1::LANGUAGE_FR);
  CHECK(wire.message() == "Vous écrivez trop vite. Réessayez dans 2\u00a0s.");
  CHECK(wire.retry_after_ms() == 1'200);
  CHECK(wire.rule_id() == "rate.posts");
  CHECK(wire.rule_version() == 1);
}

TEST_CASE("NOT_FOUND tells nothing but itself") {
  v1::Refusal bare;
  bare.set_code(v1::REFUSAL_CODE_NOT_FOUND);
  bare.set_message(std::string(sentence(v1::REFUSAL_CODE_NOT_FOUND, {}, v1::LANGUAGE_EN)));
  CHECK(to_wire(not_found().error(), v1::LANGUAGE_EN).SerializeAsString() ==
        bare.SerializeAsString());
}

TEST_CASE("no limit that clients meet is left out of what Hello serves") {
  const v1::Limits served = served_limits();
  const auto* reflection = served.GetReflection();
  const auto* descriptor = served.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    CHECK_MESSAGE(reflection->GetUInt32(served, descriptor->field(i)) != 0,
                  descriptor->field(i)->name());
  }
  // A message, an import of at least one and their envelope fit in a frame.
  CHECK(served.message_bytes() * 3 < served.frame_bytes());
  CHECK(served.signal_bytes_per_second() < served.server_frame_bytes());
}

}  // namespace
}  // namespace amicale::domain
