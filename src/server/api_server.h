// ApiServer: the routes. OpenAI's chats and completions, models, tokenize, health, metrics, and a page to chat on.
//
// Threads: handle() on any io thread, it never blocks. What costs time (parsing a body, rendering and encoding a
// prompt) runs on a worker thread, and the answers on another (answers.h); only /health and the page are answered at
// once.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "http/exchange.h"
#include "server/access.h"
#include "server/answers.h"
#include "server/keyring.h"
#include "server/metrics.h"
#include "server/prepare.h"
#include "server/worker.h"

namespace drawbridge {

struct ApiOptions {
  std::vector<std::string> model_names;     // that requests may use, the first is shown; empty: the model's own
  std::shared_ptr<Keyring> keys = nullptr;  // null: everybody may call
  std::optional<MachinePrice> price = std::nullopt;  // of the machine, for costs; absent: none are told
  std::string cors_origin = {};  // whose pages may call from a browser, or *; empty: none but our own
};

class ApiServer {
 public:
  /// `engine` must outlive this, and whoever calls handle() must have stopped before it ends.
  ApiServer(Engine& engine, ApiOptions options);

  void handle(std::shared_ptr<Exchange> exchange);

  /// Takes no new request, waits for the open answers, and ends what is left after `grace` with an error. Returns how
  /// many answers that were.
  size_t drain(std::chrono::milliseconds grace);

 private:
  enum class Runs { kAtOnce, kOnWorker };  // what runs on the worker is refused while draining
  struct Route {
    const char* method;
    const char* path;  // one that ends in '/' but is longer matches what begins with it
    Access access;
    Runs runs;
    void (ApiServer::*run)(Call&);
  };

  static const std::vector<Route>& routes();
  void dispatch(const Route& route, Call call);
  std::string next_id();

  bool refuse_cost(Call& call, const GenerationFields& generation) const;
  void start_answer(Call& call, const GenerationFields& generation, Result<PreparedAnswer> prepared);
  void chat_completions(Call& call);
  void completions(Call& call);
  void list_models(Call& call);
  void show_model(Call& call);
  void tokenize(Call& call);
  void detokenize(Call& call);
  void allow_pages(Call& call) const;
  void live(Call& call);
  void ready(Call& call);
  void show_metrics(Call& call);
  void chat_page(Call& call);

  bool knows_model(const std::string& name) const;
  bool refuse_model(Call& call, const std::string& name) const;
  Json model_json(const std::string& name) const;

  Engine& engine_;
  ApiOptions options_;
  const int64_t started_;  // Unix seconds
  const uint64_t id_base_;
  const int64_t n_buffers_at_ready_;
  std::atomic<uint64_t> n_calls_ = 0;
  std::mutex draining_mutex_;  // held while a call is handed to the worker, so that drain() misses none
  std::atomic<bool> draining_ = false;
  Metrics metrics_;
  Answers answers_;
  Worker intake_;
};

}  // namespace drawbridge
