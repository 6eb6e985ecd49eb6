// The JSON body of a streamed request.
#pragma once

#include <string>
#include <vector>

#include "load/planned_request.h"

namespace drawbridge {

struct RequestForm {
  std::string model;
  bool is_chat = true;  // else a completion, whose prompt is the messages' texts, one after the other
  bool ignores_eos = false;
};

/// Greedy, in one piece.
Json request_json(const RequestForm& form, const std::vector<LoadMessage>& messages, int64_t n_output);
/// The same as a stream, with usage at its end.
std::string streamed_request_body(const RequestForm& form, const std::vector<LoadMessage>& messages, int64_t n_output);

}  // namespace drawbridge
