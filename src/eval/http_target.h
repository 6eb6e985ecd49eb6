// Any OpenAI-compatible server as a ChatTarget.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "eval/chat_target.h"
#include "http/client.h"

namespace drawbridge {

struct HttpTargetOptions {
  std::string url;    // with or without /v1
  std::string model;  // empty: the first one that the server lists
  std::string api_key;
  std::chrono::milliseconds read_timeout = std::chrono::seconds(600);  // without a byte: a whole answer may take long
  int n_retries = 3;                                                   // of a question, after the first try
  std::chrono::milliseconds retry_pause = std::chrono::seconds(1);     // before the first retry; doubles each time
  std::function<bool()> should_stop;                                   // asked before each try and in pauses
};

class HttpTarget : public ChatTarget {
 public:
  /// Asks the server for its model if none is named. Errors: no http:// URL, no answer, no model.
  static Result<std::unique_ptr<HttpTarget>> create(const HttpTargetOptions& options);

  /// Tries again when there is no connection, no answer in time, or a status that says later (429, 500, 502 to 504).
  /// kCancelled if there is no answer when `should_stop` is true: the interrupt may have reached the server as well, so
  /// what it says then is no failure of the question.
  Result<ChatReply> chat(const ChatCall& call) override;
  Json manifest() const override;
  /// Tries beyond the first of each question, so far.
  int64_t n_retries() const override { return n_retries_; }

 private:
  HttpTarget(HttpTargetOptions options, Url base) : options_(std::move(options)), base_(std::move(base)) {}
  Status choose_model();
  bool stopped() const { return options_.should_stop && options_.should_stop(); }
  /// Ends early when stopped.
  void wait(std::chrono::milliseconds pause) const;
  Result<ChatReply> ask(const Url& url, const HttpClientRequest& request, bool is_chat);
  Url at(const std::string& path) const;
  HttpHeaders headers() const;

  HttpTargetOptions options_;
  Url base_;
  std::atomic<int64_t> n_retries_ = 0;
};

/// The body of POST /v1/chat/completions, or of /v1/completions where the call has no messages.
Json request_body(const ChatCall& call, const std::string& model);
/// Reads either answer; `source` starts every message.
Result<ChatReply> parse_reply(const Json& answer, bool is_chat, const std::string& source);

}  // namespace drawbridge
