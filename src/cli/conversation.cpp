#include "cli/conversation.h"

#include <fmt/ostream.h>

#include <algorithm>

#include "cli/stop_signal.h"

namespace drawbridge {
namespace {

constexpr const char* kHelp =
    "/clear          forget the conversation\n"
    "/think on|off   with or without reasoning\n"
    "/system TEXT    instructions for the model; without TEXT: none\n"
    "/quit           or Ctrl-D: end; Ctrl-C stops the current answer only\n";

}  // namespace

void Conversation::run() {
  if (settings_.is_terminal) fmt::print(out_, "{} (/help)\n", source_.describe());
  for (std::string line;;) {
    if (settings_.is_terminal) out_ << "> " << std::flush;
    if (!std::getline(in_, line)) break;
    clear_interrupt();
    if (line.empty()) continue;
    if (line.front() != '/') {
      say(line);
    } else if (!command(line)) {
      return;
    }
  }
  if (settings_.is_terminal) out_ << '\n';
}

/// False: the user wants to end.
bool Conversation::command(const std::string& line) {
  if (line == "/quit") return false;
  if (line == "/clear") {
    turns_ = Json::array();
  } else if (line == "/think on" || line == "/think off") {
    settings_.thinking = line == "/think on";
  } else if (line == "/system" || line.starts_with("/system ")) {
    settings_.system = line.substr(std::min(line.size(), sizeof("/system ") - 1));
  } else {
    out_ << kHelp;
  }
  return true;
}

Json Conversation::request_body() const {
  Json messages = Json::array();
  if (!settings_.system.empty()) messages.push_back({{"role", "system"}, {"content", settings_.system}});
  messages.insert(messages.end(), turns_.begin(), turns_.end());
  Json body = {{"messages", std::move(messages)}, {"chat_template_kwargs", {{"enable_thinking", settings_.thinking}}}};
  if (settings_.max_tokens > 0) body["max_tokens"] = settings_.max_tokens;
  if (settings_.temperature) body["temperature"] = *settings_.temperature;
  if (settings_.seed) body["seed"] = *settings_.seed;
  return body;
}

/// A failed answer leaves the conversation as it was; what an interrupted one had said stays.
void Conversation::say(const std::string& text) {
  turns_.push_back({{"role", "user"}, {"content", text}});
  answer_.clear();
  const Status status = source_.answer(request_body(), [this](const Json& choice) { show(choice); });
  dim(false);
  out_ << (interrupted() ? " [stopped]\n" : "\n") << std::flush;
  clear_interrupt();
  if (status.ok()) {
    turns_.push_back({{"role", "assistant"}, {"content", answer_}});
  } else {
    turns_.erase(turns_.size() - 1);
    fmt::print(out_, "error: {}\n", status.message());
  }
}

void Conversation::show(const Json& choice) {
  const Json delta = choice.is_object() ? choice.value("delta", Json()) : Json();
  if (!delta.is_object()) return;
  const auto text_of = [&](const char* name) {
    const Json text = delta.value(name, Json());
    return text.is_string() ? text.get<std::string>() : std::string();
  };
  std::string reasoning = text_of("reasoning_content");
  if (reasoning.empty()) reasoning = text_of("reasoning");
  const std::string content = text_of("content");
  if (!reasoning.empty()) {
    dim(true);
    out_ << reasoning << std::flush;
  }
  if (content.empty()) return;
  dim(false);
  answer_ += content;
  out_ << content << std::flush;
}

/// Reasoning is dim on a terminal and between tags elsewhere.
void Conversation::dim(bool on) {
  if (is_dim_ == on) return;
  is_dim_ = on;
  if (settings_.is_terminal) {
    out_ << (on ? "\x1b[2m" : "\x1b[0m\n");
  } else {
    out_ << (on ? "<think>" : "</think>\n");
  }
}

}  // namespace drawbridge
