// SPDX-License-Identifier: AGPL-3.0-or-later
#pragma once

#include <optional>

#include "server/domain/antispam/links.h"
#include "server/domain/antispam/normal_text.h"

namespace amicale::domain::antispam {

// Where a text offers goods or services for money and says how to get them: an offer ("promotion",
// "my services", "for sale") together with a price, a telephone number or a link. Not forbidden: it
// has a quota of its own.
std::optional<Span> find_advert(const NormalText& text, const std::vector<Link>& links);

}  // namespace amicale::domain::antispam
