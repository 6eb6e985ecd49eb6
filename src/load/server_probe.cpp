#include "load/server_probe.h"

#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <cmath>

#include "base/json_members.h"
#include "base/json_path.h"
#include "base/printable.h"
#include "load/request_body.h"

namespace drawbridge {
namespace {

Result<HttpClientResponse> ask(const ServerAddress& server, const std::string& path, const Json* body) {
  HttpClientRequest request;
  request.headers = server.headers();
  request.read_timeout = server.timeout;
  if (body != nullptr) {
    request.method = "POST";
    request.body = dump_json(*body);
  }
  return http_request(server.at(path), request);
}

Result<Json> ask_json(const ServerAddress& server, const std::string& path, const Json* body) {
  const std::string source = server.base.authority() + path;
  DB_ASSIGN(const HttpClientResponse response, ask(server, path, body));
  if (response.status != 200) {
    std::string message;
    if (const auto json = parse_json(response.body, source); json.ok()) message = text_at(*json, {"error", "message"});
    if (message.empty()) message = response.body;
    return fail(Code::kUnavailable, "{}: wanted HTTP 200, found {}: {}", source, response.status,
                printable(message.substr(0, 300)));
  }
  return parse_json(response.body, source);
}

/// The value at the end of a line "name{labels} value [time]" or "name value", if `label` is among the labels.
std::optional<double> sample_value(std::string_view line, std::string_view name, std::string_view label) {
  if (!line.starts_with(name)) return std::nullopt;
  line.remove_prefix(name.size());
  std::string_view labels;
  if (line.starts_with('{')) {
    const size_t end = line.rfind("} ");
    if (end == std::string_view::npos) return std::nullopt;
    labels = line.substr(0, end);
    line.remove_prefix(end + 1);
  }
  if (labels.find(label) == std::string_view::npos) return std::nullopt;
  if (!line.starts_with(' ')) return std::nullopt;
  line.remove_prefix(1);
  double value = 0;
  const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> sum_of(std::string_view text, std::string_view name, std::string_view label = "") {
  std::optional<double> sum;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (const auto value = sample_value(text.substr(0, end), name, label)) sum = sum.value_or(0) + *value;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return sum;
}

/// The first of the names that stands in the text: servers name the same counter differently.
std::optional<double> first_sum_of(std::string_view text, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const auto sum = sum_of(text, name)) return sum;
  }
  return std::nullopt;
}

}  // namespace

Url ServerAddress::at(const std::string& path) const {
  Url url = base;
  url.target += path;
  return url;
}

HttpHeaders ServerAddress::headers() const {
  HttpHeaders headers = {{"content-type", "application/json"}};
  if (!api_key.empty()) headers.emplace_back("authorization", "Bearer " + api_key);
  return headers;
}

Result<ServerAddress> parse_server_address(const std::string& url, const std::string& api_key) {
  if (url.starts_with("https://")) {
    return fail(Code::kUnsupported,
                "URL '{}': wanted http://: Drawbridge speaks no TLS; reach the server through a proxy on this machine",
                url);
  }
  ServerAddress server;
  DB_ASSIGN(server.base, parse_url(url));
  std::string& path = server.base.target;
  while (path.ends_with('/')) path.pop_back();
  if (path.ends_with("/v1")) path.resize(path.size() - 3);
  server.api_key = api_key;
  return server;
}

Result<std::string> first_model(const ServerAddress& server) {
  DB_ASSIGN(const Json list, ask_json(server, "/v1/models", nullptr));
  std::string name = text_at(list, {"data", "0", "id"});
  if (!name.empty()) return name;
  return fail(Code::kNotFound, "{}/v1/models: wanted a model in data[0].id, found none; name one with --model",
              server.base.authority());
}

std::string server_device(const ServerAddress& server) {
  const auto list = ask_json(server, "/v1/models", nullptr);
  return list.ok() ? text_at(*list, {"data", "0", "device"}) : "";
}

std::string server_identity(const ServerAddress& server) {
  std::vector<std::string> parts;
  if (const auto models = ask(server, "/v1/models", nullptr); models.ok()) {
    if (const std::string* name = models->header("server")) parts.push_back(*name);
    const auto list = parse_json(models->body, "models");
    if (list.ok()) parts.push_back(text_at(*list, {"data", "0", "owned_by"}));
  }
  if (const auto version = ask_json(server, "/version", nullptr); version.ok()) {
    parts.push_back(text_at(*version, {"version"}));
  }
  std::erase(parts, "");
  return printable(fmt::format("{}", fmt::join(parts, ", ")).substr(0, 200));
}

ServerCounters parse_counters(std::string_view text) {
  ServerCounters counters;
  counters.prompt_tokens = first_sum_of(text, {"drawbridge:prompt_tokens_total", "vllm:prompt_tokens_total",
                                               "sglang:prompt_tokens_total", "llamacpp:prompt_tokens_total"});
  counters.generation_tokens =
      first_sum_of(text, {"drawbridge:generation_tokens_total", "vllm:generation_tokens_total",
                          "sglang:generation_tokens_total", "llamacpp:tokens_predicted_total"});
  counters.cached_tokens = first_sum_of(text, {"drawbridge:prefix_cache_hits_total", "vllm:prefix_cache_hits_total",
                                               "vllm:gpu_prefix_cache_hits_total", "sglang:cached_tokens_total"});
  counters.requests = first_sum_of(
      text, {"drawbridge:request_success_total", "vllm:request_success_total", "sglang:num_requests_total"});
  counters.busy_input_s = sum_of(text, "drawbridge:engine_busy_seconds_total", "kind=\"input\"");
  counters.busy_output_s = sum_of(text, "drawbridge:engine_busy_seconds_total", "kind=\"output\"");
  counters.draft_steps =
      first_sum_of(text, {"drawbridge:spec_decode_num_drafts_total", "vllm:spec_decode_num_drafts_total"});
  counters.accepted_drafts = first_sum_of(
      text, {"drawbridge:spec_decode_num_accepted_tokens_total", "vllm:spec_decode_num_accepted_tokens_total"});
  counters.accept_length = sum_of(text, "sglang:spec_accept_length");
  return counters;
}

ServerCounters read_counters(const ServerAddress& server) {
  const auto response = ask(server, "/metrics", nullptr);
  return response.ok() && response->status == 200 ? parse_counters(response->body) : ServerCounters();
}

/// vLLM's and our shape in the first two members and "count", llama.cpp's in "content" and "tokens".
Result<int64_t> count_by_server(const ServerAddress& server, const std::string& model, const std::string& text) {
  // llama.cpp adds no special tokens unless it is asked to; whatever a server adds is measured on its own.
  const Json vllm = {{"model", model}, {"prompt", text}, {"add_special_tokens", false}};
  auto answer = ask_json(server, "/tokenize", &vllm);
  if (answer.ok()) {
    const Json count = value_at(*answer, {"count"});
    if (count.is_number_unsigned()) return count.get<int64_t>();
  }
  const Json llama = {{"content", text}};
  DB_ASSIGN(const Json tokens, ask_json(server, "/tokenize", &llama));
  DB_ASSIGN(const Json* list, array_member(tokens, "tokens", server.base.authority() + "/tokenize"));
  return static_cast<int64_t>(list->size());
}

Result<std::optional<int64_t>> reported_prompt_tokens(const ServerAddress& server, const std::string& model,
                                                      bool is_chat, const std::vector<LoadMessage>& messages) {
  const std::string path = is_chat ? "/v1/chat/completions" : "/v1/completions";
  Json body = request_json({model, is_chat, false}, messages, 1);
  DB_ASSIGN(const Json answer, ask_json(server, path, &body));
  const Json count = value_at(answer, {"usage", "prompt_tokens"});
  return count.is_number_unsigned() ? std::optional(count.get<int64_t>()) : std::nullopt;
}

}  // namespace drawbridge
