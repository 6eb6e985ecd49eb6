#include "server/api_server.h"

#include <algorithm>
#include <ctime>
#include <random>

#include "base/rng.h"
#include "server/access.h"

namespace drawbridge {
namespace {

uint64_t random_base() {
  std::random_device entropy;
  return (static_cast<uint64_t>(entropy()) << 32) | entropy();
}

bool matches(std::string_view pattern, std::string_view path) {
  if (pattern.size() > 1 && pattern.back() == '/') return path.size() > pattern.size() && path.starts_with(pattern);
  return path == pattern;
}

}  // namespace

const std::vector<ApiServer::Route>& ApiServer::routes() {
  static const std::vector<Route> kRoutes = {
      {"POST", "/v1/chat/completions", Access::kKey, Runs::kOnWorker, &ApiServer::chat_completions},
      {"POST", "/v1/completions", Access::kKey, Runs::kOnWorker, &ApiServer::completions},
      {"GET", "/v1/models", Access::kKey, Runs::kAtOnce, &ApiServer::list_models},
      {"GET", "/v1/models/", Access::kKey, Runs::kAtOnce, &ApiServer::show_model},
      {"POST", "/tokenize", Access::kKey, Runs::kOnWorker, &ApiServer::tokenize},
      {"POST", "/detokenize", Access::kKey, Runs::kOnWorker, &ApiServer::detokenize},
      {"GET", "/metrics", Access::kKey, Runs::kAtOnce, &ApiServer::show_metrics},
      {"GET", "/health", Access::kOpen, Runs::kAtOnce, &ApiServer::health},
      {"GET", "/", Access::kOpen, Runs::kAtOnce, &ApiServer::chat_page},
  };
  return kRoutes;
}

ApiServer::ApiServer(Engine& engine, ApiOptions options)
    : engine_(engine),
      options_(std::move(options)),
      started_(std::time(nullptr)),
      id_base_(random_base()),
      metrics_(options_.price),
      answers_(engine, metrics_) {
  if (options_.model_names.empty()) options_.model_names.push_back(engine.card().name);
}

std::string ApiServer::next_id() {
  return fmt::format("{:016x}", mix64(id_base_ + n_calls_++));
}

void ApiServer::handle(std::shared_ptr<Exchange> exchange) {
  Call call(std::move(exchange), next_id(), metrics_);
  const HttpRequest& request = call.request();
  const std::string method = request.method == "HEAD" ? "GET" : request.method;  // the framing leaves the body out
  std::string allowed;
  for (const Route& route : routes()) {
    if (!matches(route.path, request.path)) continue;
    if (route.method == method) return dispatch(route, std::move(call));
    allowed = route.method;
  }
  if (allowed.empty()) {
    return call.refuse(
        {404, fmt::format("no such path: {}", request.path), "invalid_request_error", std::nullopt, "path_not_found"});
  }
  HttpResponse response =
      error_response({405, fmt::format("{}: wanted {}, found {}", request.path, allowed, request.method),
                      "invalid_request_error", std::nullopt, "method_not_allowed"});
  response.headers.emplace_back("allow", allowed);
  call.respond(std::move(response));
}

void ApiServer::dispatch(const Route& route, Call call) {
  if (route.access == Access::kKey && !has_access(call.request(), options_.api_keys)) {
    return call.refuse({401, "wanted a valid API key in `Authorization: Bearer KEY` or `x-api-key: KEY`",
                        "authentication_error", std::nullopt, "invalid_api_key"});
  }
  if (route.runs == Runs::kAtOnce) return (this->*route.run)(call);
  const std::lock_guard lock(draining_mutex_);
  if (draining_) {
    return call.refuse(
        {503, "the server is shutting down and takes no new requests", "server_error", std::nullopt, "draining"});
  }
  intake_.post([this, run = route.run, call = std::move(call)]() mutable { (this->*run)(call); });
}

void ApiServer::drain(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(draining_mutex_);
    draining_ = true;
  }
  intake_.flush();  // whatever was taken before has now started its answer
  if (answers_.wait_idle(grace)) return;
  answers_.fail_all({503, "the server is shutting down and the time for running answers is over", "server_error",
                     std::nullopt, "unavailable"});
  answers_.wait_idle(std::chrono::seconds(1));
}

bool ApiServer::refuse_model(Call& call, const std::string& name) const {
  if (name.empty() || knows_model(name)) return false;
  call.refuse({404, fmt::format("model: no model '{}' here; wanted '{}'", name, options_.model_names.front()),
               "invalid_request_error", "model", "model_not_found"});
  return true;
}

bool ApiServer::knows_model(const std::string& name) const {
  return std::find(options_.model_names.begin(), options_.model_names.end(), name) != options_.model_names.end();
}

}  // namespace drawbridge
