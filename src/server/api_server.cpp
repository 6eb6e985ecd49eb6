#include "server/api_server.h"

#include <algorithm>
#include <ctime>
#include <random>

#include "base/huge_region.h"
#include "base/rng.h"

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

ApiError no_key() {
  return {401, "wanted a valid API key in `Authorization: Bearer KEY` or `x-api-key: KEY`", "authentication_error",
          std::nullopt, "invalid_api_key"};
}

template <typename T>
concept HasAccessByDefault = requires {
  T{"GET", "/"};
};

}  // namespace

const std::vector<ApiServer::Route>& ApiServer::routes() {
  static_assert(!HasAccessByDefault<Route>, "a route must say who may use it");
  static const std::vector<Route> kRoutes = {
      {"POST", "/v1/chat/completions", Access::callers(), Runs::kOnWorker, &ApiServer::chat_completions},
      {"POST", "/v1/completions", Access::callers(), Runs::kOnWorker, &ApiServer::completions},
      {"GET", "/v1/models", Access::callers(), Runs::kAtOnce, &ApiServer::list_models},
      {"GET", "/v1/models/", Access::callers(), Runs::kAtOnce, &ApiServer::show_model},
      {"POST", "/tokenize", Access::callers(), Runs::kOnWorker, &ApiServer::tokenize},
      {"POST", "/detokenize", Access::callers(), Runs::kOnWorker, &ApiServer::detokenize},
      {"GET", "/metrics", Access::callers(), Runs::kAtOnce, &ApiServer::show_metrics},
      {"GET", "/health", Access::everybody(), Runs::kAtOnce, &ApiServer::ready},
      {"GET", "/health/ready", Access::everybody(), Runs::kAtOnce, &ApiServer::ready},
      {"GET", "/health/live", Access::everybody(), Runs::kAtOnce, &ApiServer::live},
      {"GET", "/", Access::everybody(), Runs::kAtOnce, &ApiServer::chat_page},
  };
  return kRoutes;
}

ApiServer::ApiServer(Engine& engine, ApiOptions options)
    : engine_(engine),
      options_(std::move(options)),
      started_(std::time(nullptr)),
      id_base_(random_base()),
      n_buffers_at_ready_(n_huge_regions()),
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
  if (!options_.cors_origin.empty()) {
    allow_pages(call);
    if (request.method == "OPTIONS") return call.respond({204, "", "", {}});
  }
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

/// What a browser asks before and after a page of another origin calls us.
void ApiServer::allow_pages(Call& call) const {
  call.add_header("access-control-allow-origin", options_.cors_origin);
  call.add_header("vary", "origin");
  if (call.request().method != "OPTIONS") return;
  call.add_header("access-control-allow-methods", "GET, POST");
  call.add_header("access-control-allow-headers", "authorization, content-type, x-api-key, x-request-id");
  call.add_header("access-control-max-age", "600");
}

void ApiServer::dispatch(const Route& route, Call call) {
  if (options_.keys && !options_.keys->open()) {
    const auto caller = options_.keys->caller_of(call.request());
    if (!caller && route.access.needs_key()) return call.refuse(no_key());
    if (caller) call.set_caller(*caller);
  }
  if (route.runs == Runs::kAtOnce) return (this->*route.run)(call);
  const std::lock_guard lock(draining_mutex_);
  if (draining_) {
    return call.refuse(
        {503, "the server is shutting down and takes no new requests", "server_error", std::nullopt, "draining"});
  }
  intake_.post([this, run = route.run, call = std::move(call)]() mutable { (this->*run)(call); });
}

size_t ApiServer::drain(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(draining_mutex_);
    draining_ = true;
  }
  intake_.flush();  // whatever was taken before has now started its answer
  if (answers_.wait_idle(grace)) return 0;
  const size_t n_cut = answers_.n_open();
  answers_.fail_all({503, "the server is shutting down and the time for running answers is over", "server_error",
                     std::nullopt, "unavailable"});
  answers_.wait_idle(std::chrono::seconds(1));
  return n_cut;
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
