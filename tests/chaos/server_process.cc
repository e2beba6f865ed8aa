// SPDX-License-Identifier: AGPL-3.0-or-later
#include "tests/chaos/server_process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <fstream>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "server/auth/token.h"
#include "server/commands/clubs.h"
#include "server/core.h"
#include "server/domain/account.h"
#include "server/session/routes.h"
#include "tests/chaos/trial.h"
#include "tests/support/raw_client.h"
#include "tests/support/wire_client.h"

namespace amicale::chaos {
namespace {

namespace fs = std::filesystem;

// Sanitized servers on a busy machine take their time; a real hang still ends the trial.
constexpr seconds kPatience{60};

fs::path program() {
  // A server of another build, for figures that a sanitizer would spoil.
  if (const char* chosen = std::getenv("AMICALE_SERVER")) return chosen;
  const fs::path self = fs::read_symlink("/proc/self/exe");
  const fs::path beside = self.parent_path().parent_path() / "server" / "amicaled";
  if (!fs::exists(beside)) throw std::runtime_error("no server at " + beside.string());
  return beside;
}

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The site's preparation: a core without sockets, asked as requests would ask it.
class Preparation {
 public:
  explicit Preparation(const Config& config) : core_(config, clock_) { core_.start(); }
  ~Preparation() {
    run([this]() -> runtime::Task<int> {
      co_await core_.drain();
      co_return 0;
    });
    core_.stop();
  }

  template <class Function,
            class Value = typename runtime::TaskResult<std::invoke_result_t<Function>>::type>
  Value run(Function function) {
    std::optional<Value> out;
    runtime::asio::io_context here;
    std::exception_ptr failed;
    runtime::asio::co_spawn(here, keep(core_.shard(0), std::move(function), out),
                            [&failed](std::exception_ptr error) { failed = error; });
    here.run();
    if (failed) std::rethrow_exception(failed);
    return std::move(*out);
  }

  v1::Reply ask(std::uint64_t owner, v1::ClientFrame frame) {
    auth::Caller caller{.account_id = owner,
                        .token_id = 0,
                        .site_role = v1::SITE_ROLE_OWNER,
                        .language = v1::LANGUAGE_EN,
                        .address = "preparation"};
    auto reply = run([this, caller, frame] {
                   return session::answer(core_.parts(), caller, frame);
                 }).whole();
    if (reply.has_refusal()) throw std::runtime_error(reply.ShortDebugString());
    return reply;
  }

  std::string issue_token(std::uint64_t account) {
    std::string token = auth::make_token();
    auto decide = [hash = auth::digest(token)](const log::Deciding& now) {
      return domain::issue_token(now.account(), hash, "trial", now.now_ms);
    };
    auto outcome = run([this, account, decide] {
      return core_.gate().site.submit(
          storage::PartitionId::account(account),
          log::Command{.actor = account, .client_msg_id = {}, .decide = decide});
    });
    if (!outcome) throw std::runtime_error("no token");
    return token;
  }

  Core& core() { return core_; }

 private:
  template <class Function, class Value>
  static runtime::Task<> keep(runtime::Shard& shard, Function function, std::optional<Value>& out) {
    out.emplace(co_await shard.call(std::move(function)));
  }

  runtime::SystemClock clock_;
  Core core_;
};

}  // namespace

ServerProcess::ServerProcess(Plan plan) {
  auto pattern = (fs::temp_directory_path() / "amicale-chaos-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  std::map<std::string, std::string> settings = {
      {"server.listen", "[\"127.0.0.1:0\"]"},
      {"server.data_dir", "\"" + (folder_ / "data").string() + "\""},
      {"server.shards", "2"},
      {"tls.listen", "[\"127.0.0.1:0\"]"},
      {"tls.certificate", "\"" + identity_.certificate() + "\""},
      {"tls.key", "\"" + identity_.key() + "\""},
      {"storage.ballast_mib", "0"},
      {"storage.free_space_floor_mib", "0"},
      // Every client of a trial comes from one machine, and most of them are in a hurry.
      {"limits.sockets_per_address", "100000"},
      {"limits.sockets_per_address_unauthenticated", "100000"},
      {"limits.sockets_per_account", "10000"},
      {"limits.posts_per_10s", "1000000"},
      {"antispam.enabled", "false"},
      {"limits.joins_per_minute", "0"},
      {"limits.requests_per_second", "100000"},
      {"limits.request_burst", "1000000"},
  };
  for (const auto& [key, value] : plan.settings) settings[key] = value;
  std::ofstream file(folder_ / "amicale.toml");
  for (const auto& [key, value] : settings) file << key << " = " << value << '\n';
  file.close();
  auto config = load_config(folder_ / "amicale.toml");
  if (!config) throw std::runtime_error(to_string(config.error().front()));
  make_site(*config, plan.people);
  start(plan);
}

void ServerProcess::make_site(const Config& config, unsigned people) {
  Preparation prepare(config);
  auto made = prepare.run([&prepare] {
    return commands::create_site(prepare.core().gate(), {"Site", kLogin, "Owner", kPassword});
  });
  if (!made) throw std::runtime_error("no site");
  owner_ = {*made, prepare.issue_token(*made), prepare.issue_token(*made)};
  v1::ClientFrame create;
  create.mutable_create_club()->set_slug("club");
  create.mutable_create_club()->set_name("Club");
  create.mutable_create_club()->set_kind(v1::CLUB_KIND_PROFESSIONAL);
  create.mutable_create_club()->set_language(v1::LANGUAGE_FR);
  create.mutable_create_club()->set_capacity(100'000);
  create.mutable_create_club()->set_client_msg_id(support::message_id());
  club_ = prepare.ask(owner_.account, create).create_club().object_id();
  for (const auto& room : prepare.core().gate().view().rooms_of(club_))
    rooms_.try_emplace(room.access(), room.room_id());
  for (unsigned i = 0; i < people; ++i) {
    v1::ClientFrame add;
    add.mutable_add_member()->set_club_id(club_);
    add.mutable_add_member()->set_login("person" + std::to_string(i));
    add.mutable_add_member()->set_display_name("Person " + std::to_string(i));
    add.mutable_add_member()->set_role(v1::CLUB_ROLE_MEMBER);
    add.mutable_add_member()->set_client_msg_id(support::message_id());
    const auto account = prepare.ask(owner_.account, add).add_member().account_id();
    people_.push_back({account, prepare.issue_token(account), prepare.issue_token(account)});
  }
}

void ServerProcess::start(const Plan& plan) {
  const std::string path = program().string();
  const std::string config = (folder_ / "amicale.toml").string();
  const std::string log = (folder_ / "server.log").string();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    // Only what may be called between fork and exec in a process of several threads.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    if (plan.descriptors != 0) {
      const rlimit limit{plan.descriptors, plan.descriptors};
      ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    ::signal(SIGPIPE, SIG_DFL);
    ::execl(path.c_str(), "amicaled", "--config", config.c_str(), nullptr);
    ::_exit(127);
  }
  const auto deadline = Clock::now() + kPatience;
  std::string text;
  while (text.find("ready version=") == std::string::npos) {
    if (!running()) throw std::runtime_error("the server did not start: " + log_tail());
    if (Clock::now() > deadline) throw std::runtime_error("the server is not ready: " + log_tail());
    std::this_thread::sleep_for(milliseconds(5));
    text = text_of(log);
  }
  const auto port_after = [&text](const std::string& tls) {
    const auto line = text.find(" tls=" + tls);
    const auto colon = text.rfind(':', line);
    return static_cast<std::uint16_t>(std::stoi(text.substr(colon + 1, line - colon - 1)));
  };
  port_ = port_after("no");
  tls_port_ = port_after("yes");
}

ServerProcess::~ServerProcess() {
  stop();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

bool ServerProcess::running() {
  if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
  return !ended_;
}

void ServerProcess::stop() {
  if (running()) ::kill(pid_, SIGTERM);
  const auto deadline = Clock::now() + kPatience;
  while (running() && Clock::now() < deadline) std::this_thread::sleep_for(milliseconds(5));
  if (running()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
    ended_ = true;
    FAIL_CHECK("the server did not end when told to: " << log_tail());
    return;
  }
  const bool clean = WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
  CHECK_MESSAGE(clean, "the server ended with status ", status_, ": ", log_tail());
}

std::string ServerProcess::log_tail() const {
  const std::string text = text_of(folder_ / "server.log");
  return text.size() > 8'000 ? text.substr(text.size() - 8'000) : text;
}

v1::StreamId ServerProcess::stream() const { return support::club_stream(club_); }

std::uint64_t ServerProcess::resident_bytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

double ServerProcess::cpu_seconds() const {
  std::string stat = text_of("/proc/" + std::to_string(pid_) + "/stat");
  // The name may hold anything; what follows its closing bracket are fields from the third on.
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  return static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::size_t ServerProcess::open_files() const {
  std::error_code error;
  std::size_t count = 0;
  for (fs::directory_iterator at("/proc/" + std::to_string(pid_) + "/fd", error), end;
       !error && at != end; at.increment(error))
    ++count;
  return count;
}

double ServerProcess::metric(const std::string& name) const {
  const auto body = support::request(port_, "GET", "/metrics").body;
  const auto at = body.find("\n" + name + " ");
  REQUIRE_MESSAGE(at != std::string::npos, "no metric ", name);
  return std::stod(body.substr(at + name.size() + 2));
}

}  // namespace amicale::chaos
