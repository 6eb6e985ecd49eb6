// Conversation: a chat in the terminal, line by line: what the user types, the commands, and the answer while it grows.
#pragma once

#include <istream>
#include <optional>
#include <ostream>
#include <string>

#include "cli/chat_source.h"

namespace drawbridge {

struct ConversationSettings {
  std::string system;
  bool thinking = true;
  int64_t max_tokens = 0;             // of an answer; 0: what fits
  std::optional<double> temperature;  // absent: the model's
  std::optional<int64_t> seed;
  bool is_terminal = false;  // prompts and dim reasoning; elsewhere reasoning stands between <think> tags
};

class Conversation {
 public:
  /// The source and the streams must outlive this.
  Conversation(ChatSource& source, ConversationSettings settings, std::istream& in, std::ostream& out)
      : source_(source), settings_(std::move(settings)), in_(in), out_(out) {}

  /// Until /quit or the end of the input.
  void run();

 private:
  bool command(const std::string& line);
  void say(const std::string& text);
  Json request_body() const;
  void show(const Json& choice);
  void dim(bool on);

  ChatSource& source_;
  ConversationSettings settings_;
  std::istream& in_;
  std::ostream& out_;
  Json turns_ = Json::array();
  std::string answer_;   // the content of the current answer
  bool is_dim_ = false;  // reasoning is being shown
};

}  // namespace drawbridge
