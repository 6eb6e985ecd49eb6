// ServerProbe: what is asked of a server before and after a load: who it is, what its counters say, how it counts
// tokens. Blocking; never used while load runs.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "http/client.h"
#include "load/load_run.h"
#include "load/planned_request.h"

namespace drawbridge {

/// Parts of the API that a user may name: "http://host:8000" and "http://host:8000/v1" are the same server.
struct ServerAddress {
  Url base;  // without /v1
  std::string api_key;
  std::chrono::milliseconds timeout = std::chrono::seconds(60);  // of each question

  Url at(const std::string& path) const;
  HttpHeaders headers() const;
};

/// Error: not an http:// URL.
Result<ServerAddress> parse_server_address(const std::string& url, const std::string& api_key);

/// The first model that the server lists. Errors say that it is down, or what it answered.
Result<std::string> first_model(const ServerAddress& server);

/// What it says it computes on, by the name in cost's catalogue ("CPU", "MI355X"); empty if it says nothing.
std::string server_device(const ServerAddress& server);

/// Its Server header, who it says owns its model ("vllm", "sglang", "llamacpp"), its /version; empty if it says
/// nothing.
std::string server_identity(const ServerAddress& server);

/// Of /metrics; nothing where the server has none. A counter is the sum over its labels.
ServerCounters read_counters(const ServerAddress& server);
/// The same, from the text.
ServerCounters parse_counters(std::string_view metrics_text);

/// Tokens that its /tokenize finds in a text. Error: it has none that we understand.
Result<int64_t> count_by_server(const ServerAddress& server, const std::string& model, const std::string& text);

/// usage.prompt_tokens of a request for one token: a check that the endpoint answers, too.
Result<std::optional<int64_t>> reported_prompt_tokens(const ServerAddress& server, const std::string& model,
                                                      bool is_chat, const std::vector<LoadMessage>& messages);

}  // namespace drawbridge
