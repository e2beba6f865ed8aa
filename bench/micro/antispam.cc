// SPDX-License-Identifier: AGPL-3.0-or-later
//
// What judging a message costs, without disk and network: texts of 200 bytes as they are written, by length, by number of rules, and
// the worst that a pattern can be made to do.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/domain/antispam/judge.h"
#include "server/domain/antispam/names.h"
#include "server/domain/antispam/recent_texts.h"
#include "server/domain/limits.h"

namespace amicale::bench {
namespace {

namespace antispam = domain::antispam;

const antispam::Filter& filter() {
  static const antispam::Filter made;
  return made;
}

// Texts of about `bytes`, none like another.
std::vector<std::string> texts(std::size_t count, std::size_t bytes) {
  constexpr std::string_view words[] = {"réunion",
                                        "comité",
                                        "bonjour",
                                        "merci",
                                        "pour",
                                        "la",
                                        "prochaine",
                                        "séance",
                                        "mardi",
                                        "à",
                                        "18 h 30",
                                        "salle",
                                        "budget",
                                        "voyage",
                                        "qui",
                                        "vient",
                                        "https://example.org/x",
                                        "été",
                                        "conférence",
                                        "documents",
                                        "vote",
                                        "membres",
                                        "l’association",
                                        "dîner",
                                        "projet",
                                        "avis"};
  std::vector<std::string> made(count);
  std::uint64_t state = 1;
  for (std::string& text : made) {
    while (text.size() < bytes) {
      state = antispam::mix(state + 1);
      const auto pick = state % (20 * std::size(words));
      text += pick == 16 ? words[16] : words[pick % 16];
      text += ' ';
    }
    text.resize(bytes);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80)
      text.pop_back();
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0) text.pop_back();
  }
  return made;
}

antispam::Circumstances circumstances(std::uint64_t account) {
  antispam::Circumstances c;
  c.actor = {.account_id = account,
             .site_role = v1::SITE_ROLE_NONE,
             .role = v1::CLUB_ROLE_MEMBER,
             .status = v1::MEMBER_STATUS_ACTIVE};
  c.standing = {.accepted = 5, .since_ms = 1};
  c.room_id = 1;
  c.now_ms = 100'000'000;
  return c;
}

// A memory with as many recent texts as it holds.
antispam::Memory full_memory(const antispam::Rules& rules) {
  antispam::Memory memory(rules.limits());
  std::uint64_t account = 0;
  for (const std::string& text : texts(1'024, 200)) {
    const auto c = circumstances(1 + account++ % 200);
    v1::Event event;
    event.set_time_ms(c.now_ms);
    event.set_actor(c.actor.account_id);
    event.mutable_message_posted()->set_room_id(1);
    store::PrivatePart private_part;
    *private_part.mutable_spam() =
        antispam::judge(rules, filter().read(rules, text), c, memory).record;
    memory.apply(event, private_part);
  }
  return memory;
}

void tell_tail(benchmark::State& state, std::vector<double>& took) {
  std::ranges::sort(took);
  if (took.empty()) return;
  state.counters["p50_us"] = took[took.size() / 2];
  state.counters["p99_us"] = took[took.size() * 99 / 100];
}

// Nothing at all for about as long: what its tail shows beyond that is the machine's.
void nothing_for_13_us(benchmark::State& state) {
  std::vector<double> took;
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    auto now = began;
    while (now - began < std::chrono::microseconds(13)) now = std::chrono::steady_clock::now();
    took.push_back(std::chrono::duration<double, std::micro>(now - began).count());
  }
  tell_tail(state, took);
}
BENCHMARK(nothing_for_13_us);

// The whole check of a message, with the tail as counters.
void judge_text(benchmark::State& state, const antispam::Rules& rules, std::size_t bytes) {
  const auto memory = full_memory(rules);
  const auto said = texts(512, bytes);
  std::vector<double> took;
  std::size_t i = 0;
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    ++i;
    auto verdict = antispam::judge(rules, filter().read(rules, said[i % said.size()]),
                                   circumstances(1 + i % 200), memory);
    const auto ended = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(verdict);
    took.push_back(std::chrono::duration<double, std::micro>(ended - began).count());
  }
  tell_tail(state, took);
}

// What a shard heard of all clubs, as much as it keeps.
antispam::RecentTexts full_site() {
  antispam::RecentTexts site(domain::limits::antispam_site_texts);
  std::uint64_t account = 0;
  for (const std::string& text : texts(domain::limits::antispam_site_texts, 200)) {
    const auto reading = filter().read(antispam::Rules::standard(), text);
    ++account;
    if (!reading.sketch) continue;
    const antispam::RecentTexts::Question question{
        .by = account, .since_ms = 0, .alike_since_ms = 0};
    site.add(*reading.sketch, {.author = account, .club = 2 + account % 50, .time_ms = 100'000'000},
             site.count(*reading.sketch, question).family);
  }
  return site;
}

// The pass over what was said in other clubs, which a newcomer's message takes beside the one over its own.
void look_elsewhere(benchmark::State& state) {
  const auto site = full_site();
  const auto said = texts(512, 200);
  std::vector<antispam::Sketch> sketches;
  for (const auto& text : said) {
    const auto reading = filter().read(antispam::Rules::standard(), text);
    if (reading.sketch) sketches.push_back(*reading.sketch);
  }
  std::size_t i = 0;
  for (auto _ : state) {
    auto count = site.count(sketches[++i % sketches.size()],
                            {.by = 1, .since_ms = 0, .alike_since_ms = 0, .not_in = 1});
    benchmark::DoNotOptimize(count);
  }
}
BENCHMARK(look_elsewhere);

void judge_message(benchmark::State& state) {
  judge_text(state, antispam::Rules::standard(), static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(judge_message)->Arg(50)->Arg(200)->Arg(1'000)->Arg(4'000)->Arg(16'000);

antispam::Rules many_words(std::size_t count) {
  std::string toml = "version = 1\n";
  for (std::size_t i = 0; i < count; ++i) {
    toml += "[[words]]\nid = \"r" + std::to_string(i) + "\"\nwords = [\"mot" +
            std::to_string(antispam::mix(i) % 1'000'000'000) + "\"]\n";
  }
  auto rules = antispam::Rules::parse(filter().folding(), toml);
  if (!rules) throw std::runtime_error(rules.error().field);
  return *std::move(rules);
}

void judge_by_many_rules(benchmark::State& state) {
  judge_text(state, many_words(static_cast<std::size_t>(state.range(0))), 200);
}
BENCHMARK(judge_by_many_rules)->Arg(1'000)->Arg(10'000);

// One pattern on a text made to hurt it.
void worst_pattern(benchmark::State& state) {
  constexpr std::string_view patterns[] = {"(a|aa)+$", "(a*)*b", "(.*a){8}", "(a|b)*a(a|b){9}",
                                           "\\\\b(\\\\w+\\\\s)*\\\\w+$"};
  const std::string toml = "version = 1\n[[patterns]]\nid = \"p\"\npattern = \"" +
                           std::string(patterns[state.range(0)]) + "\"\n";
  const auto rules = antispam::Rules::parse(filter().folding(), toml);
  if (!rules) throw std::runtime_error(rules.error().field);
  std::string text;
  for (std::uint64_t i = 0; text.size() < 16'000; ++i)
    text += antispam::mix(i) % 2 == 0 ? 'a' : 'b';
  const antispam::NormalText normal(filter().folding(), text);
  for (auto _ : state) benchmark::DoNotOptimize(rules->find(normal, {}));
}
BENCHMARK(worst_pattern)->DenseRange(0, 4)->Unit(benchmark::kMicrosecond);

void look_of_name(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(antispam::look_of_name(filter().folding(), "Modérаteur Élodie"));
}
BENCHMARK(look_of_name);

void read_parts(benchmark::State& state) {
  const auto said = texts(64, 200);
  std::size_t i = 0;
  for (auto _ : state) {
    const antispam::NormalText text(filter().folding(), said[i++ % said.size()]);
    benchmark::DoNotOptimize(text.letters());
  }
}
BENCHMARK(read_parts)->Name("normalise_200_bytes");

}  // namespace
}  // namespace amicale::bench
