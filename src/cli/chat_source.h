// ChatSource: whatever answers a chat in OpenAI's form: a model in this process, or a server.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/json.h"
#include "engine/engine.h"

namespace drawbridge {

class ChatSource {
 public:
  virtual ~ChatSource() = default;

  using OnChoice = std::function<void(const Json&)>;
  /// `body` is a /v1/chat/completions request without model and stream; `on_choice` hears of each entry of `choices`
  /// of the stream. Ends early, and well, when the user has interrupted (stop_signal.h).
  virtual Status answer(const Json& body, const OnChoice& on_choice) = 0;
  /// What it is, in a line.
  virtual std::string describe() const = 0;
};

Result<std::unique_ptr<ChatSource>> make_local_chat_source(const EngineOptions& options);
/// `url` with or without /v1; `model` empty: the first one that the server lists.
Result<std::unique_ptr<ChatSource>> make_remote_chat_source(const std::string& url, const std::string& model,
                                                            const std::string& api_key);

}  // namespace drawbridge
