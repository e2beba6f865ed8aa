// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Requests through the real gate: the route table, commands and queries, partitions, the log and the rows of a small site in a
// temporary folder. Input: one byte for who asks, then a ClientFrame. Whoever asks for whatever gets an answer that is a body of the
// request's name or a typed refusal, never INTERNAL; and from time to time the whole site is replayed and compared with its rows.
#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "amicale/v1/frame.pb.h"
#include "server/core.h"
#include "server/offline.h"
#include "server/session/routes.h"
#include "storage/verify.h"
#include "tests/fuzz/protobuf_mutator.h"

namespace {
using namespace amicale;
namespace fs = std::filesystem;

// After so many requests the site is verified, thrown away and made anew: it stays small, and what an input does depends on few
// others.
constexpr int kRequestsPerSite = 2'000;

void check(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// Where nothing has to reach a disk, when the machine has such a place.
fs::path scratch() {
  const fs::path memory = "/dev/shm";
  std::error_code none;
  const fs::path base = fs::is_directory(memory, none) ? memory : fs::temp_directory_path();
  return base / ("amicale-fuzz-command-" + std::to_string(getpid()));
}

class Site {
 public:
  Site() {
    fs::remove_all(folder_);
    config_ = default_config();
    config_.server.data_dir = folder_ / "data";
    config_.server.shards = 1;
    config_.storage.ballast_mib = 0;
    config_.storage.free_space_floor_mib = 0;
    config_.limits.posts_per_10s = 1'000'000;
    config_.antispam.enabled = false;
    config_.limits.joins_per_minute = 0;
    config_.auth.login_tries_per_account = 1'000'000;
    config_.auth.login_tries_per_address_per_hour = 1'000'000;
    check(
        offline::create_site(config_.server.data_dir, "Essai", "owner", "Owner", "un mot de passe")
            .has_value(),
        "a site is made");
    core_ = std::make_unique<Core>(config_, clock_);
    core_->start();
    make_people();
  }
  ~Site() {
    auto drain = [this]() -> runtime::Task<> { co_await core_->drain(); };
    run(drain());
    core_->stop();
    core_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;

  v1::Reply ask(std::uint64_t account, v1::SiteRole role, const v1::ClientFrame& frame) {
    v1::Reply reply;
    commands::Caller caller{
        .account_id = account, .token_id = 1, .site_role = role, .address = "127.0.0.1"};
    auto work = [this, &caller, &frame, &reply]() -> runtime::Task<> {
      auto answer = [this, &caller, &frame] {
        return session::answer(core_->parts(), caller, frame);
      };
      reply = (co_await core_->shard(0).call(std::move(answer))).whole();
    };
    run(work());
    return reply;
  }

  // The log replayed, compared with every row.
  void verify() {
    for (const auto& finding : storage::verify(core_->database()).problems) {
      check(false, finding.c_str());
    }
  }

 private:
  void run(runtime::Task<> work) {
    runtime::asio::io_context here;
    std::exception_ptr failed;
    runtime::asio::co_spawn(here, std::move(work),
                            [&failed](std::exception_ptr error) { failed = error; });
    here.run();
    check(!failed, "nothing is thrown");
  }

  // Two clubs; accounts 2 to 6 of various roles in the first, 5 and 6 in the second too.
  void make_people() {
    std::uint8_t serial = 0;
    auto id = [&serial] { return std::string(15, 'm') + static_cast<char>(++serial); };
    for (const char* slug : {"club-1", "club-2"}) {
      v1::ClientFrame frame;
      frame.set_request_id(1);
      auto& club = *frame.mutable_create_club();
      club.set_slug(slug);
      club.set_name(slug);
      club.set_kind(v1::CLUB_KIND_SOCIAL);
      club.set_client_msg_id(id());
      check(ask(1, v1::SITE_ROLE_OWNER, frame).has_create_club(), "a club is made");
    }
    for (int person = 2; person <= 6; ++person) {
      for (std::uint64_t club = 1; club <= (person >= 5 ? 2u : 1u); ++club) {
        v1::ClientFrame frame;
        frame.set_request_id(1);
        auto& member = *frame.mutable_add_member();
        member.set_club_id(club);
        member.set_login("person" + std::to_string(person));
        member.set_display_name("Personne");
        member.set_role(static_cast<v1::ClubRole>(person == 2 ? 5 : person - 1));
        member.set_client_msg_id(id());
        check(ask(1, v1::SITE_ROLE_OWNER, frame).has_add_member(), "a member is added");
      }
    }
  }

  fs::path folder_ = scratch();
  Config config_;
  runtime::SystemClock clock_;
  std::unique_ptr<Core> core_;
};

// Passwords cost 20 ms each, and a backup a whole copy: they are tried by other means.
bool too_dear(const v1::ClientFrame& frame) {
  switch (frame.body_case()) {
    case v1::ClientFrame::kLogin:
    case v1::ClientFrame::kRegister:
    case v1::ClientFrame::kAppealSiteBan:
    case v1::ClientFrame::kChangePassword:
    case v1::ClientFrame::kCreateBackup:
    case v1::ClientFrame::kGetStats: return true;
    default: return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max, unsigned seed) {
  fuzz::Random random(seed);
  v1::ClientFrame frame;
  if (size < 1 || random() % 50 == 0 ||
      !frame.ParseFromArray(data + 1, static_cast<int>(size - 1))) {
    if (random() % 50 == 0) return LLVMFuzzerMutate(data, size, max);
    frame.Clear();
  }
  for (auto times = 1 + random() % 4; times > 0; --times) fuzz::mutate(frame, random);
  frame.set_request_id(1);
  const auto bytes = frame.SerializePartialAsString();
  if (bytes.size() + 1 > max) return size;
  if (size < 1 || random() % 3 == 0) data[0] = static_cast<std::uint8_t>(random());
  std::copy(bytes.begin(), bytes.end(), data + 1);
  return bytes.size() + 1;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<Site> site;
  static int asked = 0;
  if (size < 2) return 0;
  v1::ClientFrame frame;
  if (!frame.ParseFromArray(data + 1, static_cast<int>(size - 1)) || too_dear(frame)) return 0;
  frame.set_request_id(1);
  if (!site) {
    site = std::make_unique<Site>();
    // RocksDB's own statics were made just now, and end before `site` would.
    static const int registered = std::atexit([] { site.reset(); });
    check(registered == 0, "the site is taken down at the end");
  }
  const std::uint64_t account = data[0] % 8;  // 0: nobody; 7: of no club, and no account
  const auto role = account == 1   ? v1::SITE_ROLE_OWNER
                    : account == 0 ? v1::SITE_ROLE_UNSPECIFIED
                                   : v1::SITE_ROLE_NONE;
  const auto reply = site->ask(account, role, frame);
  check(reply.request_id() == 1, "an answer has its request's id");
  check(reply.has_refusal() != (reply.body_case() != v1::Reply::BODY_NOT_SET),
        "an answer is a body or a refusal");
  if (reply.has_refusal()) {
    check(reply.refusal().code() != v1::REFUSAL_CODE_INTERNAL, "no request is a defect");
    check(reply.refusal().code() != v1::REFUSAL_CODE_UNAVAILABLE,
          "every commit's outcome is known");
    check(!reply.refusal().message().empty(), "a refusal has a sentence");
  } else {
    check(static_cast<int>(reply.body_case()) == static_cast<int>(frame.body_case()),
          "a body has its request's name");
  }
  if (++asked % kRequestsPerSite == 0) {
    site->verify();
    site.reset();
  }
  return 0;
}
