// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/admin/data_folder.h"

namespace amicale::admin {
namespace {

// The storage names its stages in English.
struct Stage {
  std::string_view begins;
  Phrase phrase;
};
constexpr Stage kStages[] = {
    {"copying", {"copie", "copying"}},
    {"replaying logs", {"relecture des journaux", "replaying logs"}},
    {"comparing rows", {"comparaison des rangées", "comparing rows"}},
    {"dropping rows", {"effacement des rangées", "dropping rows"}},
};

std::string stage_name(std::string_view stage, v1::Language language) {
  for (const auto& known : kStages) {
    if (stage.starts_with(known.begins)) return std::string(known.phrase.in(language));
  }
  return std::string(stage);
}

}  // namespace

storage::Progress StageProgress::function() {
  return [this](std::string_view stage, std::uint64_t done, std::uint64_t total) {
    if (!bar_ || stage != stage_) {
      bar_.emplace(stage_name(stage, console_.language()), total, console_.progress_output());
      stage_ = stage;
    }
    bar_->set_total(total);
    bar_->set(done);
  };
}

storage::DatabaseOptions existing(const std::string& data, StageProgress& stages) {
  storage::DatabaseOptions options;
  options.folder = data;
  options.mode = storage::DatabaseOptions::Mode::open;
  options.on_progress = stages.function();
  return options;
}

}  // namespace amicale::admin
