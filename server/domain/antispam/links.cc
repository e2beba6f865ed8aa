// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/domain/antispam/links.h"

#include <libpsl.h>
#include <unicode/bytestream.h>
#include <unicode/idna.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <memory>

namespace amicale::domain::antispam {
namespace {

constexpr std::size_t longest_host = 253;  // RFC 1035

constexpr bool is_host_byte(char c) { return is_word_byte(c) || c == '-' || c == '.' || c == '_'; }

// Last labels that in a bare word are mostly something else: a file's ending, or a short word after
// a full stop without its space. With a path or a scheme they are links like any other.
constexpr auto doubtful_endings = std::to_array<std::string_view>(
    {"ai", "am", "app", "as", "at",  "au", "be", "bz",  "ca", "cc", "ci",   "cf",
     "de", "do", "en",  "es", "et",  "gz", "id", "il",  "in", "is", "it",   "java",
     "la", "le", "ma",  "md", "me",  "mm", "mo", "mov", "ms", "my", "name", "ne",
     "no", "nu", "on",  "pl", "pm",  "ps", "py", "rs",  "sa", "sc", "se",   "sh",
     "si", "so", "su",  "ta", "tel", "tn", "to", "us",  "va", "vi", "yt",   "zip"});

bool is_suffix(const std::string& label) {
  // PSL_TYPE_NO_STAR_RULE: what the list does not know is not an ending.
  return psl_is_public_suffix2(psl_builtin(), label.c_str(),
                               PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0;
}

bool is_address(std::string_view host) {
  int dots = 0, digits = 0;
  for (const char c : host) {
    if (c == '.') {
      if (digits == 0) return false;
      ++dots;
      digits = 0;
    } else if (is_ascii_digit(c)) {
      if (++digits > 3) return false;
    } else {
      return false;
    }
  }
  return dots == 3 && digits != 0;
}

const icu::IDNA* idna() {
  static const std::unique_ptr<const icu::IDNA> instance = [] {
    UErrorCode code = U_ZERO_ERROR;
    return std::unique_ptr<const icu::IDNA>(
        icu::IDNA::createUTS46Instance(UIDNA_NONTRANSITIONAL_TO_ASCII, code));
  }();
  return instance.get();
}

template <auto convert>
std::string converted(std::string_view host) {
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  icu::IDNAInfo info;
  UErrorCode code = U_ZERO_ERROR;
  (idna()->*convert)(icu::StringPiece(host.data(), static_cast<std::int32_t>(host.size())), sink,
                     info, code);
  if (U_FAILURE(code) || out.size() > longest_host) return {};
  return out;
}

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Whether a look-alike character stands in it. Accents are no disguise: "école.example".
bool has_confusable(const Folding& folding, std::string_view text) {
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t at = 0; at < size;) {
    UChar32 c;
    U8_NEXT(text.data(), at, size, c);
    if (c < 0x80) continue;
    const Fold fold = folding.find(static_cast<char32_t>(c)).fold;
    if (fold == Fold::confusable || fold == Fold::invisible) return true;
  }
  return false;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trimmed(std::string_view host) {
  while (!host.empty() && (host.back() == '.' || host.back() == '-')) host.remove_suffix(1);
  while (!host.empty() && (host.front() == '.' || host.front() == '-')) host.remove_prefix(1);
  return host;
}

}  // namespace

bool host_matches(std::string_view host, std::string_view listed) {
  if (listed.empty() || !host.ends_with(listed)) return false;
  return host.size() == listed.size() || host[host.size() - listed.size() - 1] == '.';
}

std::string registrable_domain(std::string_view host) {
  std::string name(host);
  if (is_address(name)) return name;
  const char* found = psl_registrable_domain(psl_builtin(), name.c_str());
  return found != nullptr ? std::string(found) : name;
}

std::string look_of_host(std::string_view host) {
  std::string out;
  out.reserve(host.size());
  for (std::size_t i = 0; i < host.size(); ++i) {
    const char c = host[i];
    if (c == 'r' && i + 1 < host.size() && host[i + 1] == 'n') {
      out += 'm';
      ++i;
    } else if (c == 'v' && i + 1 < host.size() && host[i + 1] == 'v') {
      out += 'w';
      ++i;
    } else if (c == '0') {
      out += 'o';
    } else if (c == '1' || c == 'i') {
      out += 'l';
    } else if (c == '5') {
      out += 's';
    } else if (c == '3') {
      out += 'e';
    } else if (c != '-') {
      out += c;
    }
  }
  return out;
}

std::vector<Link> find_links(const Folding& folding, const NormalText& text, std::string_view body,
                             std::size_t most) {
  std::vector<Link> links;
  const std::string_view folded = text.folded();
  const std::size_t size = folded.size();

  const auto add = [&](std::size_t begin, std::size_t end, std::size_t host_begin,
                       std::size_t host_end, bool user_info, bool certain) {
    const std::string_view folded_host = trimmed(folded.substr(host_begin, host_end - host_begin));
    if (folded_host.empty() || folded_host.size() > longest_host) return;
    const auto offset = static_cast<std::size_t>(folded_host.data() - folded.data());
    const Span own = text.folded_span(offset, offset + folded_host.size());
    const std::string_view written = body.substr(own.begin, own.end - own.begin);
    Link link;
    link.span = text.folded_span(begin, end);
    link.certain = certain;
    link.user_info = user_info;
    link.host =
        is_ascii(written) ? lower(written) : converted<&icu::IDNA::nameToASCII_UTF8>(written);
    if (link.host.empty()) link.host = std::string(folded_host);
    link.address = is_address(link.host);
    link.registrable = registrable_domain(link.host);
    if (!is_ascii(written)) {
      if (has_confusable(folding, written) && is_ascii(folded_host)) link.looks_like = folded_host;
    } else if (link.host.find("xn--") != std::string::npos) {
      const std::string shown = converted<&icu::IDNA::nameToUnicodeUTF8>(link.host);
      const std::string seen = folding.fold(shown);
      if (has_confusable(folding, shown) && is_ascii(seen)) link.looks_like = seen;
    }
    links.push_back(std::move(link));
  };

  const auto end_of_host = [&](std::size_t at) {
    while (at < size && is_host_byte(folded[at])) ++at;
    return at;
  };
  const auto end_of_link = [&](std::size_t at) {
    while (at < size && folded[at] != ' ' && folded[at] != '<' && folded[at] != '>' &&
           folded[at] != '"') {
      ++at;
    }
    return at;
  };

  for (std::size_t at = 0; at < size && links.size() < most;) {
    if (!is_host_byte(folded[at])) {
      ++at;
      continue;
    }
    const std::size_t word = at;
    const std::size_t stop = end_of_host(at);
    // With a scheme, also one that was made harmless for the eye ("hxxp").
    if (folded.substr(stop, 3) == "://" || folded.substr(stop, 3) == ":\\\\") {
      std::size_t host = stop + 3;
      const std::size_t end = end_of_link(host);
      // The authority ends at the first slash, question mark or hash; what stands before its last
      // "@" is a user's name.
      std::size_t authority = host;
      while (authority < end && folded[authority] != '/' && folded[authority] != '\\' &&
             folded[authority] != '?' && folded[authority] != '#') {
        ++authority;
      }
      const std::size_t sign = folded.substr(host, authority - host).rfind('@');
      const bool user_info = sign != std::string_view::npos;
      if (user_info) host += sign + 1;
      const std::size_t host_end = std::min(end_of_host(host), authority);
      if (host_end > host) add(word, std::max(end, host_end), host, host_end, user_info, true);
      at = std::max(end, stop + 3);
      continue;
    }
    // An e-mail address is no link, on either side of its "@".
    const bool mail = (stop < size && folded[stop] == '@') || (word > 0 && folded[word - 1] == '@');
    const std::string_view host = trimmed(folded.substr(word, stop - word));
    const std::size_t dot = host.rfind('.');
    if (!mail && dot != std::string_view::npos && dot > 0 && host.size() <= longest_host &&
        host.find("..") == std::string_view::npos) {
      const auto host_begin = static_cast<std::size_t>(host.data() - folded.data());
      const std::size_t host_end = host_begin + host.size();
      const std::string ending(host.substr(dot + 1));
      const bool followed = host_end < size && (folded[host_end] == '/' || folded[host_end] == ':');
      const bool www = host.starts_with("www.");
      if (is_address(host)) {
        if (followed) add(host_begin, end_of_link(host_end), host_begin, host_end, false, true);
      } else if (ending.size() >= 2 && !is_ascii_digit(ending[0]) &&
                 (host.starts_with("www.") || is_suffix(ending))) {
        const bool doubtful = std::ranges::find(doubtful_endings, ending) != doubtful_endings.end();
        const bool certain = www || (followed && folded[host_end] == '/') || !doubtful;
        add(host_begin, followed ? end_of_link(host_end) : host_end, host_begin, host_end, false,
            certain);
        at = followed ? std::max(end_of_link(host_end), stop) : stop;
        continue;
      }
    }
    at = stop;
  }
  return links;
}

}  // namespace amicale::domain::antispam
