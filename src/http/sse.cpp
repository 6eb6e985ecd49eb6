#include "http/sse.h"

namespace drawbridge {

Status SseParser::feed(std::string_view bytes, std::vector<SseEvent>& events) {
  for (const char c : bytes) {
    const bool is_rest_of_line_end = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (is_rest_of_line_end) continue;
    if (c == '\r' || c == '\n') {
      end_of_line(events);
    } else {
      line_ += c;
    }
    if (line_.size() + data_.size() > max_event_bytes_) {
      return fail(Code::kOutOfRange, "a server-sent event is larger than the limit of {} bytes", max_event_bytes_);
    }
  }
  return Status();
}

void SseParser::end_of_line(std::vector<SseEvent>& events) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  std::string_view line = line_;
  if (first_line_ && line.substr(0, kByteOrderMark.size()) == kByteOrderMark) line.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  if (line.empty()) {
    if (has_data_) events.push_back({event_.empty() ? "message" : event_, data_});
    event_.clear();
    data_.clear();
    has_data_ = false;
  } else {
    const size_t colon = line.find(':');
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    if (value.substr(0, 1) == " ") value.remove_prefix(1);
    take_field(line.substr(0, colon), value);
  }
  line_.clear();
}

/// Comments have an empty name; `id` and `retry` serve reconnection, which we do not do.
void SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "event") event_ = value;
  if (name != "data") return;
  if (has_data_) data_ += '\n';
  data_ += value;
  has_data_ = true;
}

std::string format_sse(std::string_view data) {
  std::string text = "data: ";
  for (size_t i = 0; i < data.size(); ++i) {
    if (data[i] == '\r' && data.substr(i + 1, 1) == "\n") continue;
    if (data[i] == '\n' || data[i] == '\r') {
      text += "\ndata: ";
    } else {
      text += data[i];
    }
  }
  return text += "\n\n";
}

}  // namespace drawbridge
