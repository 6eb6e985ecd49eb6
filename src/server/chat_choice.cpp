#include "server/chat_choice.h"

#include <utility>

#include "engine/generate.h"
#include "server/logprobs.h"

namespace drawbridge {
namespace {

using Kind = OutputEvent::Kind;

/// Text of one kind, null for none.
Json joined(const std::vector<OutputEvent>& events, Kind kind) {
  std::string text;
  for (const OutputEvent& event : events) {
    if (event.kind == kind) text += event.text;
  }
  return text.empty() ? Json() : Json(std::move(text));
}

Json call_start(const std::string& id, const OutputEvent& event) {
  return {{"index", event.tool_index},
          {"id", id},
          {"type", "function"},
          {"function", {{"name", event.text}, {"arguments", ""}}}};
}

}  // namespace

ChatChoice::ChatChoice(const Tokenizer& tokenizer, int index, std::string call_prefix, OutputParserOptions options)
    : tokenizer_(&tokenizer), index_(index), call_prefix_(std::move(call_prefix)), parser_(std::move(options)) {}

void ChatChoice::push(const Output& output) {
  add(parser_.push(output.text));
  if (output.token && parser_.in_reasoning()) ++n_reasoning_;
  if (output.chosen) {
    wants_logprobs_ = true;
    logprobs_.push_back(chat_logprob(*tokenizer_, output));
  }
  if (!output.finish) return;
  add(parser_.finish());
  // A call cut off by the length is not to be executed, so it must not look like one that is.
  const bool calls = output.finish->reason == FinishReason::kStop && parser_.n_tool_calls() > 0;
  finish_reason_ = calls ? "tool_calls" : finish_reason_name(output.finish->reason);
}

void ChatChoice::add(std::vector<OutputEvent> events) {
  for (OutputEvent& event : events) {
    const bool grows = event.kind != Kind::kToolCallStart && event.kind != Kind::kToolCallEnd;
    if (grows && !events_.empty() && events_.back().kind == event.kind) {
      events_.back().text += event.text;
    } else if (event.kind != Kind::kToolCallEnd) {
      events_.push_back(std::move(event));
    }
  }
}

std::string ChatChoice::call_id(int tool_index) const {
  return fmt::format("call_{}_{}_{}", call_prefix_, index_, tool_index);
}

Json ChatChoice::take_logprobs() {
  if (!wants_logprobs_ || logprobs_.empty()) return Json();
  return {{"content", std::exchange(logprobs_, Json::array())}, {"refusal", nullptr}};
}

Json ChatChoice::chunk(Json delta) {
  return {{"index", index_}, {"delta", std::move(delta)}, {"logprobs", take_logprobs()}, {"finish_reason", nullptr}};
}

std::vector<Json> ChatChoice::take_chunks() {
  std::vector<Json> chunks;
  if (!std::exchange(has_role_, true)) {
    chunks.push_back({{"index", index_},
                      {"delta", {{"role", "assistant"}, {"content", ""}}},
                      {"logprobs", nullptr},
                      {"finish_reason", nullptr}});
  }
  for (const OutputEvent& event : std::exchange(events_, {})) {
    if (event.kind == Kind::kReasoning) {
      chunks.push_back(chunk({{"reasoning_content", event.text}}));
    } else if (event.kind == Kind::kContent) {
      chunks.push_back(chunk({{"content", event.text}}));
    } else if (event.kind == Kind::kToolCallStart) {
      chunks.push_back(chunk({{"tool_calls", Json::array({call_start(call_id(event.tool_index), event)})}}));
    } else {
      const Json call = {{"index", event.tool_index}, {"function", {{"arguments", event.text}}}};
      chunks.push_back(chunk({{"tool_calls", Json::array({call})}}));
    }
  }
  if (finish_reason_) {
    chunks.push_back(chunk(Json::object()));
    chunks.back()["finish_reason"] = *finish_reason_;
  }
  return chunks;
}

Json ChatChoice::take_whole() {
  Json message = {{"role", "assistant"}, {"content", joined(events_, Kind::kContent)}};
  const Json reasoning = joined(events_, Kind::kReasoning);
  if (!reasoning.is_null()) message["reasoning_content"] = reasoning;
  Json calls = Json::array();
  for (const OutputEvent& event : events_) {
    if (event.kind == Kind::kToolCallStart) {
      calls.push_back({{"id", call_id(event.tool_index)},
                       {"type", "function"},
                       {"function", {{"name", event.text}, {"arguments", ""}}}});
    } else if (event.kind == Kind::kToolArguments) {
      Json& arguments = calls.back()["function"]["arguments"];
      arguments = arguments.get_ref<const std::string&>() + event.text;
    }
  }
  if (calls.empty() && message["content"].is_null()) message["content"] = "";
  if (!calls.empty()) message["tool_calls"] = std::move(calls);
  return {{"index", index_},
          {"message", std::move(message)},
          {"logprobs", take_logprobs()},
          {"finish_reason", finish_reason_ ? Json(*finish_reason_) : Json()}};
}

}  // namespace drawbridge
