// Plays a script against a server.
#pragma once

#include <string>
#include <vector>

#include "api/script.h"
#include "http/url.h"

namespace drawbridge::api {

struct Failure {
  int line = 0;
  std::string wanted;
  std::string found;
};

struct Outcome {
  int n_requests = 0;
  int n_expectations = 0;
  std::vector<Failure> failures;
};

/// Sends every request of the script; a failed expectation does not keep the rest from being checked.
Outcome play(const Script& script, const Url& server);

/// `path:line: wanted ..., found ...`, one line each.
std::string describe(const Script& script, const Outcome& outcome);

}  // namespace drawbridge::api
