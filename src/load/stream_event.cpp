#include "load/stream_event.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "base/json.h"

namespace drawbridge {
namespace {

enum class Key : uint8_t {
  kOther,
  kElement,  // of an array
  kChoices,
  kDelta,
  kContent,
  kReasoning,
  kToolCalls,
  kFunction,
  kName,
  kArguments,
  kText,
  kFinishReason,
  kUsage,
  kPromptTokens,
  kCompletionTokens,
  kPromptDetails,
  kCachedTokens,
  kError,
  kMessage,
  kObject,
};

Key key_of(std::string_view name) {
  static constexpr std::pair<std::string_view, Key> kKeys[] = {
      {"choices", Key::kChoices},
      {"delta", Key::kDelta},
      {"content", Key::kContent},
      {"reasoning_content", Key::kReasoning},
      {"reasoning", Key::kReasoning},  // servers differ in the name
      {"tool_calls", Key::kToolCalls},
      {"function", Key::kFunction},
      {"name", Key::kName},
      {"arguments", Key::kArguments},
      {"text", Key::kText},
      {"finish_reason", Key::kFinishReason},
      {"usage", Key::kUsage},
      {"prompt_tokens", Key::kPromptTokens},
      {"completion_tokens", Key::kCompletionTokens},
      {"prompt_tokens_details", Key::kPromptDetails},
      {"cached_tokens", Key::kCachedTokens},
      {"error", Key::kError},
      {"message", Key::kMessage},
      {"object", Key::kObject},
  };
  for (const auto& [known, key] : kKeys) {
    if (known == name) return key;
  }
  return Key::kOther;
}

/// Takes values at the paths that matter and lets the rest pass.
class EventReader {
 public:
  explicit EventReader(StreamEvent& event) : event_(event) {}

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(int64_t value) { return take_count(value); }
  bool number_unsigned(uint64_t value) {
    return take_count(static_cast<int64_t>(std::min<uint64_t>(value, INT64_MAX)));
  }
  bool number_float(double, const std::string&) { return true; }
  bool binary(Json::binary_t&) { return true; }
  bool string(std::string& value);
  bool start_object(size_t) { return open(Key::kOther); }
  bool start_array(size_t) { return open(Key::kElement); }
  bool key(const std::string& name) {
    if (depth_ <= kMaxDepth) path_[depth_ - 1] = key_of(name);
    return true;
  }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(size_t, const std::string&, const nlohmann::detail::exception&) { return false; }

  /// vLLM's older shape of an error: its message stands beside "object": "error".
  void settle() {
    if (is_error_object_) event_.error = message_.empty() ? "without a message" : message_;
  }

 private:
  static constexpr size_t kMaxDepth = 8;  // of what matters

  bool open(Key first) {
    if (is({Key::kError})) event_.error = "without a message";
    if (++depth_ <= kMaxDepth) path_[depth_ - 1] = first;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }
  bool is(std::initializer_list<Key> path) const {
    return depth_ == path.size() && std::equal(path.begin(), path.end(), path_.begin());
  }
  bool take_count(int64_t value);

  StreamEvent& event_;
  std::array<Key, kMaxDepth> path_{};
  size_t depth_ = 0;
  std::string message_;
  bool is_error_object_ = false;
};

bool EventReader::string(std::string& value) {
  using K = Key;
  if (is({K::kChoices, K::kElement, K::kDelta, K::kContent}) || is({K::kChoices, K::kElement, K::kText})) {
    event_.text += value;
  } else if (is({K::kChoices, K::kElement, K::kDelta, K::kReasoning}) ||
             is({K::kChoices, K::kElement, K::kDelta, K::kToolCalls, K::kElement, K::kFunction, K::kName}) ||
             is({K::kChoices, K::kElement, K::kDelta, K::kToolCalls, K::kElement, K::kFunction, K::kArguments})) {
    event_.other += value;
  } else if (is({K::kChoices, K::kElement, K::kFinishReason})) {
    event_.finish_reason = value;
  } else if (is({K::kError}) || is({K::kError, K::kMessage})) {
    event_.error = value.empty() ? "without a message" : value;
  } else if (is({K::kMessage})) {
    message_ = value;
  } else if (is({K::kObject})) {
    is_error_object_ = value == "error";
  }
  return true;
}

bool EventReader::take_count(int64_t value) {
  if (is({Key::kUsage, Key::kPromptTokens})) event_.n_prompt = value;
  if (is({Key::kUsage, Key::kCompletionTokens})) event_.n_output = value;
  if (is({Key::kUsage, Key::kPromptDetails, Key::kCachedTokens})) event_.n_cached = value;
  return true;
}

}  // namespace

StreamEvent read_stream_event(std::string_view data) {
  StreamEvent event;
  EventReader reader(event);
  if (Json::sax_parse(data.begin(), data.end(), &reader)) {
    reader.settle();
    return event;
  }
  StreamEvent bad;
  bad.is_json = false;
  return bad;
}

}  // namespace drawbridge
