// A script: one .test file, parsed. README.md in this folder describes the format.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"

namespace drawbridge::api {

/// What of a reply an expectation is about.
struct Subject {
  enum class Kind { kStatus, kHeader, kBody, kJson, kEvent, kJoined, kEventCount, kDone };
  enum class Which { kOne, kEach, kSome };

  Kind kind = Kind::kStatus;
  Which which = Which::kOne;  // of kEvent
  int index = 0;              // of kOne; negative counts from the end
  std::string name;           // of a header, or a JSON pointer
};

/// `expect SUBJECT OPERATOR VALUE` or `save NAME SUBJECT`.
struct Check {
  int line = 0;
  std::string text;  // the line as written
  Subject subject;
  std::string operation;  // empty: save
  std::string value;      // not yet expanded; of save: the variable's name
};

struct Step {
  int line = 0;
  std::string method;
  std::string target;
  HttpHeaders headers;
  std::string body;
  std::vector<Check> checks;
};

struct Script {
  std::string path;
  std::string title;
  std::vector<std::string> server_arguments;  // of drawbridge serve, beside the model and the port
  std::vector<Step> steps;
};

/// Errors (kCorrupt) begin with `path:line: `. A step that expects no status is one.
Result<Script> parse_script(std::string_view text, const std::string& path);

}  // namespace drawbridge::api
