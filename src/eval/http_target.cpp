#include "eval/http_target.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include "base/json_members.h"
#include "base/json_path.h"
#include "base/printable.h"

namespace drawbridge {
namespace {

constexpr std::chrono::milliseconds kLongestPause = std::chrono::seconds(60);
constexpr std::chrono::milliseconds kStopPoll(50);

bool says_later(int status) {
  return status == 429 || status == 500 || (status >= 502 && status <= 504);
}

/// The server's own words if it sent an error in OpenAI's shape.
Status http_failure(const std::string& source, const HttpClientResponse& response) {
  std::string message;
  if (const auto json = parse_json(response.body, source); json.ok()) message = text_at(*json, {"error", "message"});
  if (message.empty()) message = response.body;
  return fail(Code::kUnavailable, "{}: HTTP {}: {}", source, response.status, printable(message.substr(0, 300)));
}

/// What the server asks to wait for, if it says so in seconds.
std::chrono::milliseconds asked_pause(const HttpClientResponse& response) {
  const std::string* text = response.header("retry-after");
  int seconds = 0;
  if (text != nullptr) std::from_chars(text->data(), text->data() + text->size(), seconds);
  return std::chrono::seconds(std::clamp(seconds, 0, 60));
}

/// A text that may be absent or null.
Result<std::string> optional_text(const Json& object, const char* key, const std::string& source) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return std::string();
  return string_member(object, key, source);
}

Status read_message(const Json& choice, const std::string& source, ChatReply& reply) {
  DB_ASSIGN(const Json* message, member(choice, "message", source));
  DB_TRY(check_object(*message, source + ": message"));
  DB_ASSIGN(reply.text, optional_text(*message, "content", source));
  // Servers differ in the name of the member.
  const char* reasoning = message->contains("reasoning_content") ? "reasoning_content" : "reasoning";
  DB_ASSIGN(reply.reasoning, optional_text(*message, reasoning, source));
  const auto calls = message->find("tool_calls");
  if (calls != message->end() && calls->is_array() && !calls->empty()) reply.tool_calls = *calls;
  return Status();
}

}  // namespace

Json request_body(const ChatCall& call, const std::string& model) {
  Json body = {{"model", model}};
  if (call.messages.is_null()) {
    body["prompt"] = call.prompt;
  } else {
    body["messages"] = call.messages;
    body["chat_template_kwargs"] = {{"enable_thinking", call.enable_thinking}};
    if (!call.tools.is_null()) body["tools"] = call.tools;
  }
  body["max_tokens"] = call.max_tokens;
  body["temperature"] = call.temperature;
  body["top_p"] = call.top_p;
  if (call.seed) body["seed"] = *call.seed;
  if (!call.stop.empty()) body["stop"] = call.stop;
  return body;
}

Result<ChatReply> parse_reply(const Json& answer, bool is_chat, const std::string& source) {
  DB_ASSIGN(const Json* choices, array_member(answer, "choices", source));
  if (choices->empty()) return fail(Code::kCorrupt, "{}: choices: wanted one, found none", source);
  const Json& choice = choices->front();
  DB_TRY(check_object(choice, source + ": choices[0]"));
  ChatReply reply;
  if (is_chat) {
    DB_TRY(read_message(choice, source, reply));
  } else {
    DB_ASSIGN(reply.text, string_member(choice, "text", source));
  }
  DB_ASSIGN(const std::string reason, string_member(choice, "finish_reason", source));
  reply.truncated = reason == "length";
  if (reason != "length" && reason != "stop" && reason != "tool_calls") {
    return fail(Code::kUnavailable, "{}: finish_reason: wanted stop, length or tool_calls, found {}", source, reason);
  }
  const auto usage = answer.find("usage");
  if (usage != answer.end() && usage->is_object()) {
    DB_ASSIGN(reply.n_prompt, count_member(*usage, "prompt_tokens", source));
    DB_ASSIGN(reply.n_completion, count_member(*usage, "completion_tokens", source));
  }
  return reply;
}

Result<std::unique_ptr<HttpTarget>> HttpTarget::create(const HttpTargetOptions& options) {
  if (options.url.starts_with("https://")) {
    return fail(Code::kUnsupported,
                "URL '{}': wanted http://: Drawbridge speaks no TLS; reach the server through a "
                "proxy on this machine",
                options.url);
  }
  DB_ASSIGN(Url base, parse_url(options.url));
  std::unique_ptr<HttpTarget> target(new HttpTarget(options, std::move(base)));
  DB_TRY(target->choose_model());
  return target;
}

Status HttpTarget::choose_model() {
  if (!options_.model.empty()) return Status();
  const Url url = at("/models");
  const std::string source = url.authority() + url.target;
  HttpClientRequest request;
  request.headers = headers();
  DB_ASSIGN(const HttpClientResponse response, http_request(url, request));
  if (response.status != 200) return http_failure(source, response);
  DB_ASSIGN(const Json list, parse_json(response.body, source));
  options_.model = text_at(list, {"data", "0", "id"});
  if (options_.model.empty()) {
    return fail(Code::kNotFound, "{}: wanted a model in data[0].id, found none; name one with --served-model-name",
                source);
  }
  return Status();
}

/// `path` below /v1, which the URL may already have.
Url HttpTarget::at(const std::string& path) const {
  Url url = base_;
  while (url.target.ends_with('/')) url.target.pop_back();
  if (!url.target.ends_with("/v1")) url.target += "/v1";
  url.target += path;
  return url;
}

HttpHeaders HttpTarget::headers() const {
  HttpHeaders headers = {{"content-type", "application/json"}};
  if (!options_.api_key.empty()) headers.emplace_back("authorization", "Bearer " + options_.api_key);
  return headers;
}

Result<ChatReply> HttpTarget::chat(const ChatCall& call) {
  const bool is_chat = !call.messages.is_null();
  const Url url = at(is_chat ? "/chat/completions" : "/completions");
  const std::string source = url.authority() + url.target;
  HttpClientRequest request;
  request.method = "POST";
  request.headers = headers();
  request.body = dump_json(request_body(call, options_.model));
  request.read_timeout = options_.read_timeout;
  Result<ChatReply> reply = ask(url, request, is_chat);
  if (!reply.ok() && stopped()) return fail(Code::kCancelled, "{}: stopped without an answer", source);
  return reply;
}

Result<ChatReply> HttpTarget::ask(const Url& url, const HttpClientRequest& request, bool is_chat) {
  const std::string source = url.authority() + url.target;
  auto pause = options_.retry_pause;
  for (int tries_left = options_.n_retries;; --tries_left) {
    if (stopped()) return fail(Code::kCancelled, "{}: stopped", source);
    const auto response = http_request(url, request);
    const bool again = response.ok() ? says_later(response->status) : response.status().code() == Code::kUnavailable;
    if (!again || tries_left == 0) {
      if (!response.ok()) return response.status();
      if (response->status != 200) return http_failure(source, *response);
      DB_ASSIGN(const Json answer, parse_json(response->body, source));
      return parse_reply(answer, is_chat, source);
    }
    ++n_retries_;
    wait(std::max(pause, response.ok() ? asked_pause(*response) : pause));
    pause = std::min(2 * pause, kLongestPause);
  }
}

void HttpTarget::wait(std::chrono::milliseconds pause) const {
  const auto until = std::chrono::steady_clock::now() + pause;
  while (!stopped()) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) return;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, kStopPoll));
  }
}

Json HttpTarget::manifest() const {
  return {{"kind", "url"}, {"url", "http://" + base_.authority() + base_.target}, {"model", options_.model}};
}

}  // namespace drawbridge
