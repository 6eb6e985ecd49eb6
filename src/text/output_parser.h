// Takes the model's text apart while it streams: reasoning up to </think>, content, and tool calls in GLM's XML with
// arguments as growing JSON. How the text is cut into pushes never changes the concatenated events: what could be the
// start of a tag is held back. A call the model left malformed or unfinished ends with complete = false.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace drawbridge {

struct OutputEvent {
  enum class Kind { kReasoning, kContent, kToolCallStart, kToolArguments, kToolCallEnd };

  Kind kind = Kind::kContent;
  std::string text;      // the delta; the function's name for kToolCallStart
  int tool_index = -1;   // 0, 1, ... for the tool kinds
  bool complete = true;  // kToolCallEnd: closed by its tag and well formed, so the arguments are one JSON object
};

struct OutputParserOptions {
  bool starts_in_reasoning = true;  // the prompt ended in <think>
  bool parse_tool_calls = false;    // otherwise <tool_call> is ordinary text
  Json tools = Json();              // OpenAI form; types the arguments
};

class OutputParser {
 public:
  explicit OutputParser(OutputParserOptions options);
  OutputParser(OutputParser&&) = default;
  OutputParser& operator=(OutputParser&&) = default;

  std::vector<OutputEvent> push(std::string_view delta);

  /// The model stopped: gives out what was held back. Nothing may be pushed afterwards.
  std::vector<OutputEvent> finish();

  /// Tool calls started so far; finish_reason is "tool_calls" if any.
  int n_tool_calls() const { return n_calls_; }
  bool in_reasoning() const { return state_ == State::kReasoning; }

 private:
  enum class State { kReasoning, kContent, kBetweenCalls, kName, kKey, kAfterKey, kValue, kAfterValue };

  struct Tag {
    size_t at = std::string_view::npos;
    std::string_view text;
  };

  bool step();
  bool step_text(OutputEvent::Kind kind);
  bool step_between_calls();
  bool step_name();
  bool step_key();
  bool step_after_key();
  bool step_value();
  bool step_after_value();

  std::string_view rest() const { return std::string_view(buffer_).substr(at_); }
  Tag find_tag(std::initializer_list<std::string_view> tags);
  void consume(size_t n_bytes);
  void emit(OutputEvent::Kind kind, std::string_view text);
  void emit_string(std::string_view raw);
  void after_tag(std::string_view tag);
  void start_value();
  void end_call(bool closed);

  OutputParserOptions options_;
  State state_;
  std::string buffer_;
  size_t at_ = 0;       // buffer_ before this is done with
  size_t scanned_ = 0;  // no tag starts in the first `scanned_` bytes of rest()
  int n_calls_ = 0;
  std::string name_;
  std::string key_;
  const Json* schema_ = nullptr;  // of the current value, into options_.tools
  bool streams_ = false;          // the current value is a declared string
  bool well_formed_ = true;
  size_t n_arguments_ = 0;
  std::vector<OutputEvent> events_;
};

}  // namespace drawbridge
