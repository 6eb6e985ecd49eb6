// `drawbridge serve`: the engine behind an OpenAI-compatible HTTP API.
#include <filesystem>

#include "base/log.h"
#include "base/mapped_file.h"
#include "cli/serve_price.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"
#include "http/server.h"
#include "server/api_server.h"

namespace drawbridge {
namespace {

struct ServeOptions {
  EngineOptions engine;
  HttpServerOptions http;
  ApiOptions api;
  std::string api_key_file;
  ServePrice price;
  bool allow_insecure_bind = false;
  int grace_seconds = 30;
};

/// One key a line; blank lines and lines with # in front are not keys.
Status read_key_file(const std::string& path, std::vector<std::string>& keys) {
  if (path.empty()) return {};
  DB_ASSIGN(const std::string text, read_text_file(path, 1 << 20));
  const size_t n_before = keys.size();
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    if (end > at && text[at] != '#') keys.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (keys.size() == n_before) return fail(Code::kInvalidArgument, "{}: wanted an API key on a line, found none", path);
  return {};
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Status check_options(const ServeOptions& o) {
  for (const std::string& key : o.api.api_keys) {
    if (key.empty()) return fail(Code::kInvalidArgument, "--api-key: wanted a key, found an empty one");
  }
  if (is_loopback(o.http.host) || !o.api.api_keys.empty() || o.allow_insecure_bind) return {};
  return fail(Code::kInvalidArgument,
              "--host: {} can be reached from other machines and there is no API key, so anyone there could use the "
              "model; give --api-key-file FILE (or --api-key KEY), or --allow-insecure-bind if that is meant",
              o.http.host);
}

void log_card(const ModelCard& card, const EngineOptions& options) {
  spdlog::info("model name={} architecture={} backend=\"{}\" activation={} parameters={} weight_bytes={}", card.name,
               card.architecture, card.backend, card.activation, card.n_parameters, card.weight_bytes);
  if (!card.packing.empty()) spdlog::info("weights packing=\"{}\"", card.packing);
  spdlog::info("cache dtype={}{} bytes_per_token={}", card.kv_cache_dtype,
               options.kv_cache_dtype == "auto" ? " (auto)" : "", card.kv_bytes_per_token);
  spdlog::info("caps max_context={} max_running={} max_waiting={} max_step_tokens={}", card.max_context,
               options.max_running, options.max_waiting, options.max_step_tokens);
  log_notices(card);
}

std::string url_of(const std::string& host, uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

Status run_serve(ServeOptions o) {
  DB_TRY(read_key_file(o.api_key_file, o.api.api_keys));
  DB_TRY(check_options(o));
  DB_ASSIGN(o.api.price, machine_price(o.price));
  DB_ASSIGN(const auto engine, make_engine(o.engine));
  log_card(engine->card(), o.engine);
  if (o.api.price) {
    const Figure& hour = o.api.price->dollars_per_hour;
    spdlog::info("price dollars_per_hour={} basis={} date={}", hour.value, o.api.price->basis, hour.from.date);
  }
  ApiServer api(*engine, o.api);
  DB_ASSIGN(const auto http, HttpServer::start(o.http, [&api](std::shared_ptr<Exchange> e) { api.handle(e); }));
  catch_stop_signals();
  spdlog::info("listening url={}", url_of(o.http.host, http->port()));
  wait_for_stop_signal();
  spdlog::info("stopping grace_seconds={} (a second signal ends it at once)", o.grace_seconds);
  http->stop_accepting();
  api.drain(std::chrono::seconds(o.grace_seconds));
  http->stop(std::chrono::seconds(1));  // for the last bytes of what has just ended
  spdlog::info("stopped");
  return Status();
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("serve", "an OpenAI-compatible HTTP server");
  const auto o = std::make_shared<ServeOptions>();
  o->http.port = 8000;
  add_engine_options(*verb, o->engine);
  verb->add_option("--max-running", o->engine.max_running, "requests stepped together")->capture_default_str();
  verb->add_option("--max-waiting", o->engine.max_waiting, "requests queued beyond that; more get 429")
      ->capture_default_str();
  verb->add_flag("!--no-prefix-cache", o->engine.prefix_cache, "compute every prompt from its first token");
  verb->add_option("--host", o->http.host, "address to listen on")->capture_default_str();
  verb->add_option("--port", o->http.port, "0: any free one")->capture_default_str();
  verb->add_option("--api-key", o->api.api_keys, "key that requests must carry; may be given more than once");
  verb->add_option("--api-key-file", o->api_key_file, "file with one key a line (not seen in the list of processes)");
  verb->add_flag("--allow-insecure-bind", o->allow_insecure_bind, "listen beyond this machine without a key");
  verb->add_option("--served-model-name", o->api.model_names, "names that requests may use; default: the directory's");
  add_machine_price_options(*verb, o->price);
  verb->add_option("--grace", o->grace_seconds, "seconds that running answers get to end after SIGTERM")
      ->capture_default_str();
  verb->callback([o, &action] { action = [o] { return run_serve(*o); }; });
}

}  // namespace drawbridge
