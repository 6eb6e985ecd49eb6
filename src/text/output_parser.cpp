#include "text/output_parser.h"

#include <algorithm>
#include <utility>

#include "text/argument_value.h"
#include "text/python_json.h"

namespace drawbridge {
namespace {

using Kind = OutputEvent::Kind;

constexpr std::string_view kThinkClose = "</think>";
constexpr std::string_view kCall = "<tool_call>";
constexpr std::string_view kCallClose = "</tool_call>";
constexpr std::string_view kKeyOpen = "<arg_key>";
constexpr std::string_view kKeyClose = "</arg_key>";
constexpr std::string_view kValueOpen = "<arg_value>";
constexpr std::string_view kValueClose = "</arg_value>";
constexpr std::string_view kSpace = " \t\r\n";
constexpr size_t kLongestTag = 12;

bool blank(std::string_view text) {
  return text.find_first_not_of(kSpace) == std::string_view::npos;
}

std::string_view trim(std::string_view text) {
  if (blank(text)) return {};
  const size_t begin = text.find_first_not_of(kSpace);
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

/// Length of the longest end of `text` that is a proper beginning of `tag`.
size_t partial_tag(std::string_view text, std::string_view tag) {
  for (size_t n = std::min(text.size(), tag.size() - 1); n > 0; --n) {
    if (text.substr(text.size() - n) == tag.substr(0, n)) return n;
  }
  return 0;
}

}  // namespace

OutputParser::OutputParser(OutputParserOptions options)
    : options_(std::move(options)), state_(options_.starts_in_reasoning ? State::kReasoning : State::kContent) {}

std::vector<OutputEvent> OutputParser::push(std::string_view delta) {
  buffer_ += delta;
  while (step()) {
  }
  buffer_.erase(0, at_);
  at_ = 0;
  return std::exchange(events_, {});
}

std::vector<OutputEvent> OutputParser::finish() {
  const std::string left = std::exchange(buffer_, {});
  switch (state_) {
    case State::kReasoning:
      emit(Kind::kReasoning, left);
      break;
    case State::kContent:
      emit(Kind::kContent, left);
      break;
    case State::kBetweenCalls:
      if (!blank(left)) emit(Kind::kContent, left);
      break;
    case State::kName:
      // Never announced as a call, so it stays visible as text.
      emit(Kind::kContent, std::string(kCall) + left);
      break;
    case State::kValue:
      if (streams_) emit_string(left);
      end_call(false);
      break;
    case State::kKey:
    case State::kAfterKey:
    case State::kAfterValue:
      end_call(false);
      break;
  }
  state_ = State::kContent;
  return std::exchange(events_, {});
}

bool OutputParser::step() {
  switch (state_) {
    case State::kReasoning:
      return step_text(Kind::kReasoning);
    case State::kContent:
      return step_text(Kind::kContent);
    case State::kBetweenCalls:
      return step_between_calls();
    case State::kName:
      return step_name();
    case State::kKey:
      return step_key();
    case State::kAfterKey:
      return step_after_key();
    case State::kValue:
      return step_value();
    case State::kAfterValue:
      return step_after_value();
  }
  return false;
}

OutputParser::Tag OutputParser::find_tag(std::initializer_list<std::string_view> tags) {
  Tag first;
  for (std::string_view tag : tags) {
    const size_t at = rest().find(tag, scanned_);
    if (at < first.at) first = {at, tag};
  }
  if (first.text.empty()) scanned_ = rest().size() - std::min(rest().size(), kLongestTag - 1);
  return first;
}

void OutputParser::consume(size_t n_bytes) {
  at_ += n_bytes;
  scanned_ = 0;
}

void OutputParser::emit(Kind kind, std::string_view text) {
  const bool tool = kind != Kind::kReasoning && kind != Kind::kContent;
  if (text.empty() && kind != Kind::kToolCallEnd) return;
  events_.push_back({kind, std::string(text), tool ? n_calls_ - 1 : -1, true});
}

void OutputParser::emit_string(std::string_view raw) {
  std::string escaped;
  append_json_escaped(raw, escaped);
  emit(Kind::kToolArguments, escaped);
}

bool OutputParser::step_text(Kind kind) {
  const bool thinking = kind == Kind::kReasoning;
  Tag tag;
  size_t held = 0;
  for (std::string_view candidate : {kThinkClose, kCall}) {
    if (candidate == kThinkClose ? !thinking : !options_.parse_tool_calls) continue;
    const size_t at = rest().find(candidate);
    if (at < tag.at) tag = {at, candidate};
    held = std::max(held, partial_tag(rest(), candidate));
  }
  if (tag.text.empty()) {
    emit(kind, rest().substr(0, rest().size() - held));
    consume(rest().size() - held);
    return false;
  }
  emit(kind, rest().substr(0, tag.at));
  consume(tag.at + tag.text.size());
  state_ = tag.text == kCall ? State::kName : State::kContent;
  return true;
}

bool OutputParser::step_between_calls() {
  const size_t begin = rest().find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return false;
  const std::string_view text = rest().substr(begin);
  if (text.size() < kCall.size() && text == kCall.substr(0, text.size())) return false;
  state_ = State::kContent;
  if (text.substr(0, kCall.size()) == kCall) consume(begin);  // white space between calls means nothing
  return true;
}

bool OutputParser::step_name() {
  const Tag tag = find_tag({kKeyOpen, kCallClose, kCall});
  if (tag.text.empty()) return false;
  name_ = trim(rest().substr(0, tag.at));
  if (name_.empty()) {
    emit(Kind::kContent, kCall);
    state_ = State::kContent;
    scanned_ = 0;
    return true;
  }
  consume(tag.at + tag.text.size());
  ++n_calls_;
  n_arguments_ = 0;
  well_formed_ = true;
  emit(Kind::kToolCallStart, name_);
  after_tag(tag.text);
  return true;
}

/// Inside a started call: where a tag that is not a value's leads.
void OutputParser::after_tag(std::string_view tag) {
  if (tag == kKeyOpen) {
    state_ = State::kKey;
    return;
  }
  well_formed_ = well_formed_ && tag == kCallClose;
  end_call(true);
  state_ = tag == kCall ? State::kName : State::kBetweenCalls;
}

/// A call cut off by the end of the output keeps its arguments open, as they were streamed.
void OutputParser::end_call(bool closed) {
  if (closed) emit(Kind::kToolArguments, n_arguments_ == 0 ? "{}" : "}");
  emit(Kind::kToolCallEnd, {});
  events_.back().complete = closed && well_formed_;
}

bool OutputParser::step_key() {
  const Tag tag = find_tag({kKeyClose, kCallClose});
  if (tag.text.empty()) return false;
  key_ = rest().substr(0, tag.at);
  consume(tag.at + tag.text.size());
  if (tag.text == kKeyClose) {
    state_ = State::kAfterKey;
  } else {
    well_formed_ = false;
    after_tag(tag.text);
  }
  return true;
}

bool OutputParser::step_after_key() {
  const Tag tag = find_tag({kValueOpen, kKeyOpen, kCallClose});
  if (tag.text.empty()) return false;
  well_formed_ = well_formed_ && blank(rest().substr(0, tag.at)) && tag.text == kValueOpen;
  consume(tag.at + tag.text.size());
  if (tag.text == kValueOpen) {
    start_value();
  } else {
    after_tag(tag.text);
  }
  return true;
}

void OutputParser::start_value() {
  state_ = State::kValue;
  schema_ = &argument_schema(options_.tools, name_, key_);
  streams_ = is_string_schema(*schema_);
  std::string head = n_arguments_++ == 0 ? "{\"" : ", \"";
  append_json_escaped(key_, head);
  emit(Kind::kToolArguments, head + (streams_ ? "\": \"" : "\": "));
}

bool OutputParser::step_value() {
  const Tag tag = find_tag({kValueClose});
  if (tag.text.empty()) {
    if (!streams_) return false;
    const size_t ready = rest().size() - partial_tag(rest(), kValueClose);
    emit_string(rest().substr(0, ready));
    consume(ready);
    return false;
  }
  const std::string_view raw = rest().substr(0, tag.at);
  if (streams_) {
    emit_string(raw);
    emit(Kind::kToolArguments, "\"");
  } else {
    emit(Kind::kToolArguments, typed_value_json(raw, *schema_));
  }
  consume(tag.at + tag.text.size());
  state_ = State::kAfterValue;
  return true;
}

bool OutputParser::step_after_value() {
  const Tag tag = find_tag({kKeyOpen, kCallClose, kCall});
  if (tag.text.empty()) return false;
  well_formed_ = well_formed_ && blank(rest().substr(0, tag.at));
  consume(tag.at + tag.text.size());
  after_tag(tag.text);
  return true;
}

}  // namespace drawbridge
