#include "api/script.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <sstream>

namespace drawbridge::api {
namespace {

/// Cuts the first word off `text`, and the blanks behind it.
std::string take_word(std::string_view& text) {
  const size_t end = std::min(text.find(' '), text.size());
  const std::string word(text.substr(0, end));
  text.remove_prefix(end);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return word;
}

std::optional<int> to_int(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

const std::map<std::string, Subject::Kind>& subject_kinds() {
  using Kind = Subject::Kind;
  static const std::map<std::string, Kind> kKinds = {
      {"status", Kind::kStatus}, {"header", Kind::kHeader}, {"body", Kind::kBody},           {"json", Kind::kJson},
      {"event", Kind::kEvent},   {"joined", Kind::kJoined}, {"n_events", Kind::kEventCount}, {"done", Kind::kDone}};
  return kKinds;
}

bool is_operation(const std::string& word) {
  static const std::vector<std::string> kOperations = {
      "==", "!=", "<", "<=", ">", ">=", "is", "matches", "contains", "size", "exists", "absent"};
  return std::find(kOperations.begin(), kOperations.end(), word) != kOperations.end();
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& path) : input_(std::string(text)) { script_.path = path; }

  Result<Script> parse() {
    for (std::string line; std::getline(input_, line);) {
      ++line_;
      DB_TRY(take_line(line));
    }
    if (script_.title.empty()) return error("wanted a first line `# what this is about`, found none");
    if (script_.steps.empty()) return error("wanted at least one request, found none");
    DB_TRY(check_last_step());
    return std::move(script_);
  }

 private:
  enum class Part { kBetween, kHeaders, kBody, kChecks };

  template <typename... Args>
  Status error(fmt::format_string<Args...> format, Args&&... args) const {
    return fail(Code::kCorrupt, "{}:{}: {}", script_.path, line_, fmt::format(format, std::forward<Args>(args)...));
  }

  Status take_line(const std::string& line) {
    if (part_ == Part::kHeaders) return take_header(line);
    if (part_ == Part::kBody) return take_body(line);
    if (line.empty()) return Status();
    if (line[0] == '#') {
      if (script_.title.empty()) script_.title = line.substr(std::min(line.size(), size_t{2}));
      return Status();
    }
    std::string_view rest = line;
    const std::string word = take_word(rest);
    if (word == "server") return take_server(rest);
    if (word == "request") return start_step(rest);
    if (part_ != Part::kChecks) return error("wanted `server`, `request` or a comment, found '{}'", word);
    if (word == "expect") return take_expect(line, rest);
    if (word == "save") return take_save(line, rest);
    return error("wanted `expect`, `save` or `request`, found '{}'", word);
  }

  Status take_server(std::string_view rest) {
    if (!script_.steps.empty()) return error("`server` stands before the first request");
    while (!rest.empty()) script_.server_arguments.push_back(take_word(rest));
    return Status();
  }

  Status start_step(std::string_view rest) {
    if (!script_.steps.empty()) DB_TRY(check_last_step());
    Step step;
    step.line = line_;
    step.method = take_word(rest);
    step.target = rest;
    if (step.target.empty()) return error("wanted `request METHOD /path`");
    script_.steps.push_back(std::move(step));
    part_ = Part::kHeaders;
    return Status();
  }

  /// Headers go up to the first line that is none: the body's first, or `----`.
  Status take_header(const std::string& line) {
    const size_t colon = line.find(": ");
    const std::string name = line.substr(0, colon);
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    if (colon == std::string::npos || name.find_first_not_of(kLetters) != std::string::npos) {
      part_ = Part::kBody;
      return take_body(line);
    }
    script_.steps.back().headers.emplace_back(name, line.substr(colon + 2));
    return Status();
  }

  Status take_body(const std::string& line) {
    std::string& body = script_.steps.back().body;
    if (line == "----") {
      part_ = Part::kChecks;
    } else {
      body += body.empty() ? line : "\n" + line;
    }
    return Status();
  }

  Status take_expect(const std::string& line, std::string_view rest) {
    Check check{line_, line, {}, {}, {}};
    DB_TRY(take_subject(rest, check.subject));
    const Subject::Kind kind = check.subject.kind;
    if (kind == Subject::Kind::kDone) return rest.empty() ? add(check, "is done") : error("`expect done` ends there");
    if (kind == Subject::Kind::kStatus) {
      if (!to_int(rest)) return error("wanted `expect status NUMBER`, found '{}'", rest);
      check.value = rest;
      return add(check, "==");
    }
    const std::string operation = take_word(rest);
    if (!is_operation(operation)) return error("wanted an operator such as == or matches, found '{}'", operation);
    check.value = rest;
    if (check.value.empty() != (operation == "exists" || operation == "absent")) {
      return error("operator {}: wanted {}", operation, check.value.empty() ? "a value" : "no value");
    }
    return add(check, operation);
  }

  Status take_save(const std::string& line, std::string_view rest) {
    Check check{line_, line, {}, {}, {}};
    check.value = take_word(rest);
    DB_TRY(take_subject(rest, check.subject));
    if (!rest.empty()) return error("wanted `save NAME SUBJECT`, found more: '{}'", rest);
    return add(check, "");
  }

  Status add(Check check, std::string operation) {
    check.operation = std::move(operation);
    script_.steps.back().checks.push_back(std::move(check));
    return Status();
  }

  Status take_subject(std::string_view& rest, Subject& subject) {
    const std::string word = take_word(rest);
    const auto kind = subject_kinds().find(word);
    if (kind == subject_kinds().end()) return error("wanted status, header, json, event ..., found '{}'", word);
    subject.kind = kind->second;
    if (subject.kind == Subject::Kind::kHeader) subject.name = take_word(rest);
    if (subject.kind == Subject::Kind::kEvent) DB_TRY(take_which(rest, subject));
    const bool has_pointer = subject.kind == Subject::Kind::kJson || subject.kind == Subject::Kind::kEvent ||
                             subject.kind == Subject::Kind::kJoined;
    if (has_pointer && rest.substr(0, 1) == "/") subject.name = take_word(rest);  // without one: the whole value
    return Status();
  }

  Status take_which(std::string_view& rest, Subject& subject) {
    const std::string word = take_word(rest);
    const auto index = to_int(word);
    if (index) subject.index = *index;
    if (word == "each") subject.which = Subject::Which::kEach;
    if (word == "some") subject.which = Subject::Which::kSome;
    if (index || subject.which != Subject::Which::kOne) return Status();
    return error("wanted a number, `each` or `some` after `event`, found '{}'", word);
  }

  Status check_last_step() const {
    const Step& step = script_.steps.back();
    const bool expects_status = std::any_of(step.checks.begin(), step.checks.end(), [](const Check& check) {
      return check.subject.kind == Subject::Kind::kStatus;
    });
    if (expects_status) return Status();
    return fail(Code::kCorrupt, "{}:{}: wanted ---- and `expect status` after the request, found none", script_.path,
                step.line);
  }

  std::istringstream input_;
  int line_ = 0;
  Part part_ = Part::kBetween;
  Script script_;
};

}  // namespace

Result<Script> parse_script(std::string_view text, const std::string& path) {
  return Parser(text, path).parse();
}

}  // namespace drawbridge::api
