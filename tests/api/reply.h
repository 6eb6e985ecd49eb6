// A reply of the server as expectations see it, and whether it meets one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/script.h"
#include "api/variables.h"
#include "base/json.h"

namespace drawbridge::api {

struct Reply {
  int status = 0;
  HttpHeaders headers;       // names in lower case
  std::string body;          // of a reply that is no stream
  std::vector<Json> events;  // of a stream, without [DONE]
  bool done = false;         // [DONE] came, once and last
};

/// The subject's value; nothing if the reply has none. Headers and the body are strings.
std::optional<Json> value_of(const Subject& subject, const Reply& reply);

/// What was found instead, or nothing when the reply meets the expectation.
Result<std::optional<std::string>> unmet(const Check& check, const Reply& reply, const Variables& variables);

}  // namespace drawbridge::api
