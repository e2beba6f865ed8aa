// SPDX-License-Identifier: AGPL-3.0-or-later
//
// amicaled: the server. Reads its configuration, serves until it is told to stop.
#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>

#include "server/config.h"
#include "server/logging.h"
#include "server/server.h"
#include "storage/error.h"

namespace {

constexpr int bad_usage = 2;
constexpr int cannot_start = 3;

// Waits for signals: HUP reads the certificate again, INT and TERM end the wait.
void serve_until_told(amicale::Server& server) {
  namespace asio = boost::asio;
  asio::io_context context;
  asio::signal_set signals(context, SIGINT, SIGTERM, SIGHUP);
  std::function<void(boost::system::error_code, int)> handle = [&](boost::system::error_code error,
                                                                   int signal) {
    if (error) return;
    if (signal != SIGHUP) {
      spdlog::info("stopping signal={}", signal);
      return;
    }
    if (auto reloaded = server.reload_tls(); !reloaded) {
      spdlog::error("certificate not reloaded, the old one stays error=\"{}\"", reloaded.error());
    } else {
      spdlog::info("certificate reloaded");
    }
    signals.async_wait(handle);
  };
  signals.async_wait(handle);
  context.run();
}

// From here on a second signal ends the process at once: what was acknowledged is durable already.
void exit_on_next_signal() {
  struct sigaction action{};
  action.sa_handler = [](int signal) { _exit(128 + signal); };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

int run(const amicale::Config& config) {
  amicale::runtime::SystemClock clock;
  std::unique_ptr<amicale::Server> server;
  try {
    server = std::make_unique<amicale::Server>(config, clock);
  } catch (const amicale::storage::Error& error) {
    spdlog::critical("data folder refused folder=\"{}\" error=\"{}\"", config.server.data_dir,
                     error.what());
    std::cerr << "amicaled: " << error.what() << '\n';
    return cannot_start;
  } catch (const std::exception& error) {
    spdlog::critical("cannot start error=\"{}\"", error.what());
    std::cerr << "amicaled: " << error.what() << '\n';
    return cannot_start;
  }
  if (auto opened = server->open(); !opened) {
    spdlog::critical("cannot start error=\"{}\"", opened.error());
    std::cerr << "amicaled: " << opened.error() << '\n';
    return cannot_start;
  }
  server->start();
  for (const auto& endpoint : server->plain_endpoints()) {
    spdlog::info("listening address={}:{} tls=no", endpoint.address().to_string(), endpoint.port());
  }
  for (const auto& endpoint : server->tls_endpoints()) {
    spdlog::info("listening address={}:{} tls=yes", endpoint.address().to_string(),
                 endpoint.port());
  }
  spdlog::info("ready version={} data=\"{}\" shards={}", amicale::version(), config.server.data_dir,
               server->core().shard_count());
  serve_until_told(*server);
  exit_on_next_signal();
  server->stop();
  server.reset();
  spdlog::info("stopped");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"amicaled: the Amicale server"};
  std::string path;
  bool check_only = false;
  bool describe = false;
  app.add_option("--config", path, "configuration file (TOML)");
  app.add_flag("--check-config", check_only,
               "read the configuration, say what is wrong with it, and exit");
  app.add_flag("--describe-config", describe,
               "print every key with its default and its meaning, and exit");
  app.set_version_flag("--version", std::string(amicale::version()));
  CLI11_PARSE(app, argc, argv);
  if (describe) {
    std::cout << amicale::describe_config();
    return 0;
  }
  amicale::Config config = amicale::default_config();
  if (!path.empty()) {
    auto loaded = amicale::load_config(path);
    if (!loaded) {
      for (const auto& error : loaded.error()) std::cerr << to_string(error) << '\n';
      return bad_usage;
    }
    config = std::move(*loaded);
  }
  if (check_only) {
    std::cout << (path.empty() ? std::string("defaults") : path)
              << ": the configuration is right\n";
    return 0;
  }
  if (auto opened = amicale::open_log(config.log); !opened) {
    std::cerr << "amicaled: " << opened.error() << '\n';
    return cannot_start;
  }
  // No memory image of a process that holds tokens, and no death by a closed socket.
  prctl(PR_SET_DUMPABLE, 0);
  std::signal(SIGPIPE, SIG_IGN);
  // A file over RLIMIT_FSIZE is an error of its write, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  // What strangers send is refused by us; protobuf need not comment on it in a form of its own.
  google::protobuf::SetLogHandler(nullptr);
  return run(config);
}
