// The routes that tell: models, tokens, health, metrics, and the page.
#include <charconv>

#include "base/huge_region.h"
#include "server/api_server.h"
#include "server/chat_page.h"
#include "server/logprobs.h"
#include "server/tokenize_request.h"

namespace drawbridge {
namespace {

constexpr const char* kDevice = "CPU";  // what every Backend computes on, by its name in cost's catalogue

/// %2F and the like in a path, as bytes; what is no such escape stays.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Json ApiServer::model_json(const std::string& name) const {
  return {{"id", name},
          {"object", "model"},
          {"created", started_},
          {"owned_by", "drawbridge"},
          {"root", engine_.card().name},
          {"parent", nullptr},
          {"device", kDevice},
          {"max_model_len", engine_.card().max_context}};
}

void ApiServer::list_models(Call& call) {
  Json models = Json::array();
  for (const std::string& name : options_.model_names) models.push_back(model_json(name));
  call.respond_json({{"object", "list"}, {"data", std::move(models)}});
}

void ApiServer::show_model(Call& call) {
  const std::string name = percent_decoded(std::string_view(call.request().path).substr(sizeof("/v1/models/") - 1));
  if (refuse_model(call, name)) return;
  call.respond_json(model_json(name));
}

void ApiServer::tokenize(Call& call) {
  const auto body = parse_json(call.request().body, "body");
  if (!body.ok()) return call.refuse(body.status());
  const auto request = parse_tokenize_request(*body, engine_.card());
  if (!request.ok()) return call.refuse(request.status());
  if (refuse_model(call, request->model)) return;
  const auto tokens = engine_.tokenizer().encode(request->text);
  if (!tokens.ok()) return call.refuse(tokens.status());
  Json strings;
  if (request->return_token_strings) {
    strings = Json::array();
    for (const int32_t token : *tokens) strings.push_back(token_text(engine_.tokenizer(), token));
  }
  call.respond_json({{"count", tokens->size()},
                     {"max_model_len", engine_.card().max_context},
                     {"tokens", *tokens},
                     {"token_strs", std::move(strings)}});
}

void ApiServer::detokenize(Call& call) {
  const auto body = parse_json(call.request().body, "body");
  if (!body.ok()) return call.refuse(body.status());
  const auto request = parse_detokenize_request(*body);
  if (!request.ok()) return call.refuse(request.status());
  if (refuse_model(call, request->model)) return;
  call.respond_json({{"prompt", engine_.tokenizer().decode(request->tokens, false)}});
}

/// 200 while starting the process again would help nothing.
void ApiServer::live(Call& call) {
  const Status works = engine_.health();
  if (works.ok()) return call.respond_json({{"status", "ok"}});
  call.refuse({503, "the engine has failed: " + works.message(), "server_error", std::nullopt, "engine_failed"});
}

/// 200 while new requests are served, so that a balancer can ask. Nobody can ask before the engine has computed a step.
void ApiServer::ready(Call& call) {
  if (!draining_) return live(call);
  call.refuse({503, "the server is shutting down", "server_error", std::nullopt, "draining"});
}

void ApiServer::show_metrics(Call& call) {
  ServerState state;
  state.engine_works = engine_.health().ok();
  state.draining = draining_;
  state.n_keys = options_.keys ? options_.keys->n_keys() : 0;
  state.keys_fresh = !options_.keys || options_.keys->fresh();
  state.n_buffers_since_ready = n_huge_regions() - n_buffers_at_ready_;
  const std::string page = metrics_.page(engine_.stats(), engine_.card(), options_.model_names.front(), state);
  call.respond({200, "text/plain; version=0.0.4; charset=utf-8", page, {}});
}

void ApiServer::chat_page(Call& call) {
  HttpResponse response{200, "text/html; charset=utf-8", std::string(kChatPage), {}};
  response.headers.emplace_back(
      "content-security-policy",
      "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'");
  call.respond(std::move(response));
}

}  // namespace drawbridge
