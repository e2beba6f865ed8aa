// SPDX-License-Identifier: AGPL-3.0-or-later
//
// The learned score and the rules, without a server: teaching, judging, and why one text would be held.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "server/admin/console.h"
#include "server/admin/spam_corpus.h"
#include "server/admin/spam_files.h"
#include "server/admin/terminal_text.h"
#include "server/admin/verbs.h"
#include "server/admin/why_card.h"
#include "server/auth/token.h"
#include "server/domain/antispam/judge.h"
#include "server/domain/antispam/obfuscation.h"
#include "server/domain/antispam/training.h"
#include "storage/database.h"
#include "storage/hex.h"
#include "storage/view.h"

namespace amicale::admin {
namespace {

namespace antispam = domain::antispam;

template <typename Work>
int reading_files(const Console& console, Work work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return console.fail(error.what(), kRefused);
  }
}

std::string share(double value) { return fmt::format("{:.3f}", value); }

// Judges by cross-validation and prints a line.
void evaluate(const Console& console, const antispam::Trainer& trainer, const Corpus& corpus,
              bool obfuscated) {
  const auto judged = trainer.cross_validate(corpus.examples, 5, obfuscated);
  const auto quality = antispam::quality_of(corpus.examples, judged.margins);
  console.print(fmt::format("{}: {} ham, {} spam; recall {} at 0.1 %, {} at 0.5 %; F1 {}",
                            corpus.name, quality.ham, quality.spam,
                            share(quality.recall_at_1_in_1000), share(quality.recall_at_5_in_1000),
                            share(quality.best_f1)));
  for (std::size_t kind = 0; kind < judged.obfuscated.size(); ++kind) {
    console.print(fmt::format("  {}: {} at 0.1 %, {} at 0.5 %", antispam::obfuscation_names[kind],
                              share(antispam::recall_above(corpus.examples, judged.obfuscated[kind],
                                                           quality.threshold_1)),
                              share(antispam::recall_above(corpus.examples, judged.obfuscated[kind],
                                                           quality.threshold_5))));
  }
}

// The whole pipeline over a chat log, each nick a member: those who speak for the first time are
// newcomers, `regular` ones have been here for a month.
struct Holds {
  std::uint64_t messages = 0, held = 0, refused = 0, nudged = 0;
  std::map<std::string, std::uint64_t> by_rule;
};

Holds walk_log(const antispam::Filter& filter, const antispam::Rules& rules,
               const std::vector<SaidLine>& lines, bool regulars, const Console* console) {
  Holds holds;
  antispam::Memory memory(rules.limits());
  std::map<std::string, std::pair<std::uint64_t, antispam::Standing>> people;
  constexpr std::int64_t month_ms = 30ll * 86'400'000;
  for (const SaidLine& line : lines) {
    auto& [account, standing] = people[line.nick];
    if (account == 0) {
      account = people.size();
      standing.since_ms = regulars ? line.time_ms - month_ms : line.time_ms;
      if (regulars) standing.accepted = 50;
    }
    antispam::Circumstances c;
    c.actor = {.account_id = account,
               .site_role = v1::SITE_ROLE_NONE,
               .role = v1::CLUB_ROLE_MEMBER,
               .status = v1::MEMBER_STATUS_ACTIVE};
    c.standing = standing;
    c.room_id = 1;
    c.now_ms = line.time_ms;
    const auto reading = filter.read(rules, line.text);
    const auto verdict = antispam::judge(rules, reading, c, memory);
    ++holds.messages;
    const bool held =
        verdict.action == antispam::Action::hold || verdict.action == antispam::Action::mute;
    holds.held += held;
    holds.refused += verdict.action == antispam::Action::refuse;
    holds.nudged += verdict.action == antispam::Action::nudge;
    if (verdict.action != antispam::Action::allow) {
      ++holds.by_rule[verdict.why.findings(0).rule_id()];
      if (console != nullptr) {
        console->print(fmt::format("  {} [{}] {}", verdict.why.findings(0).rule_id(),
                                   verdict.record.score(), printable(line.text)));
      }
    }
    if (verdict.action == antispam::Action::refuse) continue;
    v1::Event event;
    event.set_time_ms(line.time_ms);
    event.set_actor(account);
    if (held) {
      event.mutable_message_held()->set_room_id(1);
    } else {
      event.mutable_message_posted()->set_room_id(1);
      standing.accepted = std::min(standing.accepted + 1, antispam::accepted_counted);
    }
    store::PrivatePart private_part;
    *private_part.mutable_spam() = verdict.record;
    memory.apply(event, private_part);
  }
  return holds;
}

std::vector<antispam::Example> seed_examples() { return parse_labelled(antispam::seed_lines()); }

// What committees decided: a released text is an honest one, a rejected one is not.
void add_decisions(const std::string& data, std::vector<antispam::Example>& examples) {
  storage::DatabaseOptions options;
  options.folder = data;
  options.mode = storage::DatabaseOptions::Mode::open;
  const storage::Database database(std::move(options));
  const storage::View view(database);
  for (const v1::Club& club : view.clubs()) {
    for (v1::HeldMessage& held : view.held_of(club.club_id(), 0, 0)) {
      if (!held.reviewed() || held.body().empty()) continue;
      examples.push_back({std::move(*held.mutable_body()), !held.released()});
    }
  }
}

}  // namespace

int run(const verb::SpamTrain& verb, Console& console) {
  return reading_files(console, [&] {
    std::vector<antispam::Example> examples = seed_examples();
    for (const std::string& folder : verb.folders) {
      for (Corpus& corpus : read_labelled_folder(folder)) {
        std::ranges::move(corpus.examples, std::back_inserter(examples));
      }
    }
    for (const std::string& folder : verb.chat_logs) {
      for (const auto& file : irc_files(folder)) {
        for (SaidLine& line : read_irc(file)) examples.push_back({std::move(line.text), false});
      }
    }
    if (!verb.data.empty()) add_decisions(verb.data, examples);
    const antispam::Folding folding;
    const antispam::Trainer trainer(folding);
    const antispam::Model model = trainer.train(examples, verb.version, true);
    const std::string bytes = model.write();
    std::ofstream out(verb.output, std::ios::binary);
    out << bytes;
    out.close();
    if (!out) throw std::runtime_error("cannot write " + verb.output);
    console.say(phrase::spam_trained, verb.version, grouped(examples.size()), verb.output,
                storage::to_hex(auth::digest(bytes)));
    return static_cast<int>(kDone);
  });
}

int run(const verb::SpamEval& verb, Console& console) {
  return reading_files(console, [&] {
    const antispam::Folding folding;
    const antispam::Trainer trainer(folding);
    for (const Corpus& corpus : read_labelled_folder(verb.folder)) {
      evaluate(console, trainer, corpus, true);
      if (!verb.shipped) continue;
      const antispam::Filter filter;
      std::vector<double> margins;
      for (const auto& example : corpus.examples) {
        margins.push_back(filter.read(antispam::Rules::standard(), example.text).score.margin);
      }
      const auto quality = antispam::quality_of(corpus.examples, margins);
      console.say(phrase::spam_shipped, corpus.name, share(quality.recall_at_1_in_1000),
                  share(quality.recall_at_5_in_1000), share(quality.best_f1));
    }
    if (!verb.mails.empty()) evaluate(console, trainer, read_mails(verb.mails), false);
    if (verb.chat_logs.empty()) return static_cast<int>(kDone);

    // Judged as a member's words are, by models that did not see the log that they judge.
    const auto files = irc_files(verb.chat_logs);
    std::vector<std::vector<SaidLine>> logs;
    for (const auto& file : files) logs.push_back(read_irc(file));
    std::vector<antispam::Example> labelled = seed_examples();
    for (Corpus& corpus : read_labelled_folder(verb.folder)) {
      std::ranges::move(corpus.examples, std::back_inserter(labelled));
    }
    Holds newcomers, regulars;
    constexpr std::size_t parts = 2;
    for (std::size_t part = 0; part < parts; ++part) {
      std::vector<antispam::Example> taught = labelled;
      for (std::size_t i = 0; i < logs.size(); ++i) {
        if (i % parts == part) continue;
        for (const SaidLine& line : logs[i]) taught.push_back({line.text, false});
      }
      const antispam::Filter filter(trainer.train(taught, 1, true));
      for (std::size_t i = part; i < logs.size(); i += parts) {
        const auto rules = antispam::Rules::standard();
        const Console* told = verb.verbose ? &console : nullptr;
        for (const bool regular : {false, true}) {
          const Holds holds = walk_log(filter, rules, logs[i], regular, regular ? nullptr : told);
          Holds& sum = regular ? regulars : newcomers;
          sum.messages += holds.messages;
          sum.held += holds.held;
          sum.refused += holds.refused;
          sum.nudged += holds.nudged;
          for (const auto& [rule, count] : holds.by_rule) sum.by_rule[rule] += count;
        }
      }
    }
    for (const auto& [who, holds] : {std::pair{phrase::spam_newcomers, &newcomers},
                                     std::pair{phrase::spam_regulars, &regulars}}) {
      console.say(who, grouped(holds->messages), holds->held, holds->refused, holds->nudged);
      for (const auto& [rule, count] : holds->by_rule) {
        console.print(fmt::format("  {}: {}", rule, count));
      }
    }
    return static_cast<int>(kDone);
  });
}

int run(const verb::SpamCheck& verb, Console& console) {
  return reading_files(console, [&] {
    const antispam::Filter filter = read_filter(console, verb.model);
    const antispam::Rules rules = read_rules(console, filter, verb.rules);
    const auto reading = filter.read(rules, verb.text);
    antispam::Circumstances c;
    c.actor = {.account_id = 1,
               .site_role = v1::SITE_ROLE_NONE,
               .role = v1::CLUB_ROLE_MEMBER,
               .status = v1::MEMBER_STATUS_ACTIVE};
    c.now_ms = 100ll * 86'400'000;
    c.standing.since_ms = c.now_ms;
    if (verb.trust >= 1) c.standing = {.accepted = 5, .since_ms = c.now_ms - 2ll * 86'400'000};
    if (verb.trust >= 2) c.standing = {.accepted = 30, .since_ms = c.now_ms - 30ll * 86'400'000};
    if (verb.trust >= 3) c.standing = {.accepted = 100, .since_ms = c.now_ms - 90ll * 86'400'000};
    if (verb.trust >= 4) c.actor.role = v1::CLUB_ROLE_COMMITTEE;
    const antispam::Memory memory(rules.limits());
    auto verdict = antispam::judge(rules, reading, c, memory);
    antispam::add_sentences(rules, verdict.why, verdict.trust);
    if (verdict.action == antispam::Action::allow) {
      verdict.why.clear_appeal_fr();
      verdict.why.clear_appeal_en();
    }
    console.print(fmt::format("{}  ({} / 1000)", antispam::name_of(verdict.action),
                              reading.score.thousandths));
    for (const auto& line : why_card(verdict.why, verb.text, console.language())) {
      console.print("  " + line);
    }
    return static_cast<int>(kDone);
  });
}

}  // namespace amicale::admin
