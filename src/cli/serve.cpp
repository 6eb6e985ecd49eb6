// `drawbridge serve`: the engine behind an OpenAI-compatible HTTP API.
#include "base/log.h"
#include "cli/serve_price.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"
#include "http/server.h"
#include "http/url.h"
#include "server/admin_server.h"
#include "server/api_server.h"

namespace drawbridge {
namespace {

// Between looks at the files of API keys.
constexpr std::chrono::seconds kKeyCheckPeriod{1};

struct ServeOptions {
  EngineOptions engine;
  HttpServerOptions http;
  ApiOptions api;
  KeySources keys;
  std::string admin_address;
  ServePrice price;
  bool allow_insecure_bind = false;
  int grace_seconds = 30;
};

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Status check_options(const ServeOptions& o) {
  if (is_loopback(o.http.host) || !o.api.keys->open() || o.allow_insecure_bind) return {};
  return fail(Code::kInvalidArgument,
              "--host: {} can be reached from other machines and there is no API key, so anyone there could use the "
              "model; give --api-keys FILE (or --api-key KEY), or --allow-insecure-bind if that is meant",
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

/// Follows changes of the API keys all the while.
void wait_for_stop(Keyring& keys) {
  for (;;) {
    switch (wait_for_signal(kKeyCheckPeriod)) {
      case Signal::kStop:
        return;
      case Signal::kReload: {
        [[maybe_unused]] const Status logged = keys.reload();
        break;
      }
      case Signal::kNone:
        keys.reload_if_changed();
    }
  }
}

/// `address` is unix:PATH or HOST:PORT.
Result<std::unique_ptr<HttpServer>> start_admin(const std::string& address, const AdminServer& admin) {
  constexpr std::string_view kUnix = "unix:";
  HttpServerOptions options;
  options.n_threads = 1;
  if (address.starts_with(kUnix)) {
    options.unix_path = address.substr(kUnix.size());
  } else {
    DB_ASSIGN(const Url url, parse_url("http://" + address));
    options.host = url.host;
    options.port = url.port;
  }
  if (options.unix_path.empty() && !is_loopback(options.host)) {
    return fail(
        Code::kInvalidArgument,
        "--admin-listen: wanted unix:PATH or an address of this machine alone, for it asks for no key; found {}",
        address);
  }
  DB_ASSIGN(auto http, HttpServer::start(options, [&admin](std::shared_ptr<Exchange> e) { admin.handle(e); }));
  spdlog::info("admin listening address={}", address);
  return http;
}

Status run_serve(ServeOptions o) {
  DB_ASSIGN(o.api.keys, Keyring::load(o.keys));
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
  const AdminServer admin({ask_to_stop, [&keys = *o.api.keys] { return keys.reload(); }});
  std::unique_ptr<HttpServer> admin_http;
  if (!o.admin_address.empty()) {
    DB_ASSIGN(admin_http, start_admin(o.admin_address, admin));
  }
  spdlog::info("listening url={}", url_of(o.http.host, http->port()));
  wait_for_stop(*o.api.keys);
  spdlog::info("stopping grace_seconds={} (a second signal ends it at once)", o.grace_seconds);
  http->stop_accepting();
  const size_t n_cut = api.drain(std::chrono::seconds(o.grace_seconds));
  http->stop(std::chrono::seconds(1));  // for the last bytes of what has just ended
  spdlog::info("stopped answers_cut={}", n_cut);
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
  verb->add_option("--api-key", o->keys.keys, "key that requests must carry; may be given more than once");
  verb->add_option("--api-keys,--api-key-file", o->keys.key_file,
                   "file with NAME:KEY or KEY a line, read again when it changes and on SIGHUP");
  verb->add_option("--shared-prefixes", o->keys.shared_prefixes_file,
                   "file with names of keys a line (or *) that share cached prefixes; default: no two keys do");
  verb->add_flag("--allow-insecure-bind", o->allow_insecure_bind, "listen beyond this machine without a key");
  verb->add_option("--served-model-name", o->api.model_names, "names that requests may use; default: the directory's");
  verb->add_option("--admin-listen", o->admin_address, "unix:PATH or HOST:PORT of the operator's own socket");
  verb->add_option("--cors-origin", o->api.cors_origin, "origin whose pages may call from a browser, or *");
  add_machine_price_options(*verb, o->price);
  verb->add_option("--drain-grace,--grace", o->grace_seconds, "seconds that running answers get to end after SIGTERM")
      ->capture_default_str();
  verb->callback([o, &action] { action = [o] { return run_serve(*o); }; });
}

}  // namespace drawbridge
