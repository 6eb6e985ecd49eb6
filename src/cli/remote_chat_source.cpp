// A chat with any OpenAI-compatible server.
#include "base/json_path.h"
#include "base/printable.h"
#include "cli/chat_source.h"
#include "cli/stop_signal.h"
#include "http/client.h"

namespace drawbridge {
namespace {

/// The server's own words if it sent an error in OpenAI's shape.
Status http_failure(const Url& url, int status, const std::string& body) {
  std::string message;
  if (const auto json = parse_json(body, "response"); json.ok()) message = text_at(*json, {"error", "message"});
  if (message.empty()) message = body;
  return fail(Code::kUnavailable, "{}: HTTP {}: {}", url.authority(), status, printable(message.substr(0, 300)));
}

class RemoteChatSource : public ChatSource {
 public:
  RemoteChatSource(Url base, std::string model, const std::string& api_key)
      : base_(std::move(base)), model_(std::move(model)) {
    if (!api_key.empty()) headers_.emplace_back("authorization", "Bearer " + api_key);
  }

  Status choose_model() {
    if (!model_.empty()) return {};
    const Url url = at("/v1/models");
    HttpClientRequest request;
    request.headers = headers_;
    DB_ASSIGN(const HttpClientResponse response, http_request(url, request));
    if (response.status != 200) return http_failure(url, response.status, response.body);
    DB_ASSIGN(const Json list, parse_json(response.body, url.authority() + url.target));
    model_ = text_at(list, {"data", "0", "id"});
    if (model_.empty()) {
      return fail(Code::kNotFound, "{}{}: wanted a model in data[0].id, found none; name one with --served-model-name",
                  url.authority(), url.target);
    }
    return {};
  }

  Status answer(const Json& body, const OnChoice& on_choice) override {
    HttpClientRequest request;
    request.method = "POST";
    request.headers = headers_;
    request.headers.emplace_back("content-type", "application/json");
    Json whole = body;
    whole["model"] = model_;
    whole["stream"] = true;
    request.body = dump_json(whole);
    const Url url = at("/v1/chat/completions");
    Status failure;
    const auto on_event = [&](const SseEvent& event) {
      if (interrupted() || event.data == "[DONE]") return false;
      failure = take_event(url, event.data, on_choice);
      return failure.ok();
    };
    DB_ASSIGN(const HttpClientResponse response, http_request(url, request, on_event));
    if (response.status != 200) return http_failure(url, response.status, response.body);
    return failure;
  }

  std::string describe() const override { return fmt::format("{} at {}", model_, base_.authority()); }

 private:
  Url at(const std::string& path) const {
    Url url = base_;
    url.target = path;
    return url;
  }

  static Status take_event(const Url& url, const std::string& data, const OnChoice& on_choice) {
    DB_ASSIGN(const Json event, parse_json(data, url.authority() + ": event"));
    if (!event.is_object()) return fail(Code::kCorrupt, "{}: event: wanted an object", url.authority());
    if (event.contains("error")) return http_failure(url, 200, data);
    const auto choices = event.find("choices");
    if (choices == event.end() || !choices->is_array()) return {};
    for (const Json& choice : *choices) on_choice(choice);
    return {};
  }

  Url base_;
  std::string model_;
  HttpHeaders headers_;
};

}  // namespace

Result<std::unique_ptr<ChatSource>> make_remote_chat_source(const std::string& url, const std::string& model,
                                                            const std::string& api_key) {
  DB_ASSIGN(Url base, parse_url(url));
  auto source = std::make_unique<RemoteChatSource>(std::move(base), model, api_key);
  DB_TRY(source->choose_model());
  return std::unique_ptr<ChatSource>(std::move(source));
}

}  // namespace drawbridge
