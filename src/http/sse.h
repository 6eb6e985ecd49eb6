// Server-sent events (the WHATWG HTML standard, section 9.2): bytes to events, fed in pieces of any size, and back.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drawbridge {

struct SseEvent {
  std::string event = "message";
  std::string data;

  bool operator==(const SseEvent&) const = default;
};

class SseParser {
 public:
  explicit SseParser(size_t max_event_bytes) : max_event_bytes_(max_event_bytes) {}

  /// Appends the events that `bytes` complete. An event that the stream's end cuts off is never given out. Error
  /// (kOutOfRange): an event is too large; nothing more can be read then.
  Status feed(std::string_view bytes, std::vector<SseEvent>& events);

 private:
  void end_of_line(std::vector<SseEvent>& events);
  void take_field(std::string_view name, std::string_view value);

  const size_t max_event_bytes_;
  std::string line_;
  std::string event_;
  std::string data_;
  bool has_data_ = false;
  bool after_cr_ = false;   // a LF that follows belongs to the same line end
  bool first_line_ = true;  // may start with a byte order mark
};

/// One event of type "message"; a line break in `data` starts another data line.
std::string format_sse(std::string_view data);

}  // namespace drawbridge
