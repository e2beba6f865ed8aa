// SPDX-License-Identifier: AGPL-3.0-or-later
#include "server/log/embedded_log.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>

namespace amicale::log {

namespace asio = boost::asio;

EmbeddedLog::EmbeddedLog(storage::Database& database)
    : database_(database), work_(context_.get_executor()), thread_([this] {
        pthread_setname_np(pthread_self(), "log-writer");
        context_.run();
      }) {}

EmbeddedLog::~EmbeddedLog() {
  work_.reset();
  thread_.join();
}

runtime::Task<Appended> EmbeddedLog::append(storage::PartitionId, uint64_t,
                                            std::unique_ptr<storage::Batch> batch) {
  auto initiate = [this](auto handler, storage::Batch* what) {
    auto home = asio::get_associated_executor(handler);
    // std::function wants a copyable target; the handler is not.
    auto kept = std::make_shared<decltype(handler)>(std::move(handler));
    Waiting waiting{what, [home, kept](Appended result) {
                      asio::post(home, [kept, result] { std::move (*kept)(result); });
                    }};
    asio::post(context_,
               [this, waiting = std::move(waiting)]() mutable { enqueue(std::move(waiting)); });
  };
  co_return co_await asio::async_initiate<decltype(runtime::use_task), void(Appended)>(
      std::move(initiate), runtime::use_task, batch.get());
}

void EmbeddedLog::enqueue(Waiting waiting) {
  waiting_.push_back(std::move(waiting));
  // Everything that is already queued for this thread gets in first and shares the write.
  if (waiting_.size() == 1) asio::post(context_, [this] { write_waiting(); });
}

void EmbeddedLog::write_waiting() {
  std::vector<Waiting> writing;
  writing.swap(waiting_);
  std::vector<storage::Batch*> batches;
  batches.reserve(writing.size());
  for (auto& waiting : writing) batches.push_back(waiting.batch);
  Appended result = Appended::durable;
  try {
    database_.write(batches);
  } catch (const std::exception& e) {
    spdlog::error("commit failed batches={} error=\"{}\"", batches.size(), e.what());
    result = Appended::unknown;
  }
  for (auto& waiting : writing) waiting.done(result);
}

}  // namespace amicale::log
