#include "api/play.h"

#include <algorithm>

#include "api/reply.h"
#include "http/client.h"

namespace drawbridge::api {
namespace {

constexpr std::chrono::seconds kPatience{60};

Result<Reply> ask(const Step& step, Url url, const Variables& variables) {
  HttpClientRequest request;
  request.read_timeout = kPatience;
  request.method = step.method;
  DB_ASSIGN(url.target, expand(step.target, variables));
  DB_ASSIGN(request.body, expand(step.body, variables));
  bool has_type = request.body.empty();
  for (const auto& [name, value] : step.headers) {
    DB_ASSIGN(std::string expanded, expand(value, variables));
    has_type = has_type || name == "content-type";
    request.headers.emplace_back(name, std::move(expanded));
  }
  if (!has_type) request.headers.emplace_back("content-type", "application/json");

  Reply reply;
  int n_done = 0;
  Status bad_event;
  const auto take_event = [&](const SseEvent& event) {
    reply.done = event.data == "[DONE]" && ++n_done == 1;
    if (event.data == "[DONE]") return true;
    auto json = parse_json(event.data, fmt::format("event {}", reply.events.size()));
    if (!json.ok()) bad_event = json.status();
    if (json.ok()) reply.events.push_back(std::move(json).value());
    return bad_event.ok();
  };
  DB_ASSIGN(HttpClientResponse response, http_request(url, request, take_event));
  if (!bad_event.ok()) return bad_event;
  reply.status = response.status;
  reply.headers = std::move(response.headers);
  reply.body = std::move(response.body);
  return reply;
}

/// What stands behind the subject: `wanted == 3` of `expect json /n == 3`.
std::string wanted_of(const Check& check) {
  return check.text.substr(check.text.find(' ') + 1);
}

void apply(const Check& check, const Reply& reply, Variables& variables, Outcome& outcome) {
  if (check.operation.empty()) {
    const auto value = value_of(check.subject, reply);
    if (value) {
      variables[check.value] = *value;
    } else {
      outcome.failures.push_back({check.line, wanted_of(check), "nothing to save"});
    }
    return;
  }
  ++outcome.n_expectations;
  const auto found = unmet(check, reply, variables);
  if (!found.ok()) {
    outcome.failures.push_back({check.line, wanted_of(check), found.status().message()});
  } else if (*found) {
    outcome.failures.push_back({check.line, wanted_of(check), **found});
  }
}

}  // namespace

Outcome play(const Script& script, const Url& server) {
  Outcome outcome;
  Variables variables;
  for (const Step& step : script.steps) {
    ++outcome.n_requests;
    const auto reply = ask(step, server, variables);
    if (!reply.ok()) {
      outcome.failures.push_back({step.line, "an answer", reply.status().message()});
      break;  // what follows may need what this would have saved
    }
    for (const Check& check : step.checks) apply(check, *reply, variables, outcome);
  }
  return outcome;
}

std::string describe(const Script& script, const Outcome& outcome) {
  std::string text;
  for (const Failure& failure : outcome.failures) {
    text += fmt::format("{}:{}: wanted {}\n{:>{}}found {}\n", script.path, failure.line, failure.wanted, "",
                        script.path.size() + std::to_string(failure.line).size() + 3, failure.found);
  }
  return text;
}

}  // namespace drawbridge::api
