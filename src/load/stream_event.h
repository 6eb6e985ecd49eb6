// What the load client needs of one event of a streamed answer, read in one pass without a tree: at 50,000 events a
// second a tree for each would be most of the client's work.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace drawbridge {

struct StreamEvent {
  std::string text;   // of the answer: content or text
  std::string other;  // reasoning and tool fragments
  std::string finish_reason;
  int64_t n_prompt = -1;  // usage; -1: not in this event
  int64_t n_cached = -1;
  int64_t n_output = -1;
  std::string error;    // the server's message, where the event is an error
  bool is_json = true;  // false: nothing else is set
};

/// Reads a chat or completion chunk, or an error in any of the usual shapes.
StreamEvent read_stream_event(std::string_view data);

}  // namespace drawbridge
