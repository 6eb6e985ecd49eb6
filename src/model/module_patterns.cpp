#include "model/module_patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>

namespace drawbridge {
namespace {

constexpr size_t kMaxRegexes = 1024;
constexpr uint32_t kMatchLimit = 10'000;  // backtracking steps: module names are short, hostile patterns are not

/// `glob` as a regular expression of the same meaning.
std::string glob_regex(const std::string& glob) {
  std::string regex;
  for (const char c : glob) {
    if (c == '*') {
      regex += ".*";
    } else if (c == '?') {
      regex += '.';
    } else {
      if (std::string_view("\\^$.[]|()+{}").find(c) != std::string_view::npos) regex += '\\';
      regex += c;
    }
  }
  return regex + "$";
}

}  // namespace

struct ModulePatterns::Regex {
  pcre2_code* code = nullptr;
  pcre2_match_data* data = nullptr;
  pcre2_match_context* context = nullptr;
  size_t entry = 0;

  Regex(pcre2_code* compiled, size_t index)
      : code(compiled),
        data(pcre2_match_data_create_from_pattern(compiled, nullptr)),
        context(pcre2_match_context_create(nullptr)),
        entry(index) {
    DB_CHECK(data != nullptr && context != nullptr);
    pcre2_set_match_limit(context, kMatchLimit);
  }
  Regex(const Regex&) = delete;
  Regex& operator=(const Regex&) = delete;
  ~Regex() {
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
    pcre2_code_free(code);
  }

  bool matches(std::string_view name) const {
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(name.data()), name.size(), 0, 0, data, context) >= 0;
  }
};

Result<ModulePatterns> ModulePatterns::compile(const std::vector<std::string>& entries) {
  ModulePatterns patterns;
  patterns.entries_ = entries;
  patterns.used_.resize(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string& entry = entries[i];
    const bool is_regex = entry.starts_with("re:");
    if (!is_regex && entry.find_first_of("*?") == std::string::npos) {
      patterns.names_.emplace(entry, i);
      continue;
    }
    if (patterns.regexes_.size() == kMaxRegexes) {
      return fail(Code::kUnsupported, "more than {} globs and regular expressions", kMaxRegexes);
    }
    const std::string text = is_regex ? entry.substr(3) : glob_regex(entry);
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code* code =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), PCRE2_ANCHORED, &error, &offset, nullptr);
    if (code == nullptr) {
      std::array<PCRE2_UCHAR, 256> message{};
      pcre2_get_error_message(error, message.data(), message.size());
      return fail(Code::kInvalidArgument, "'{}' is no regular expression: {}", entry,
                  reinterpret_cast<const char*>(message.data()));
    }
    patterns.regexes_.push_back(std::make_shared<const Regex>(code, i));
  }
  return patterns;
}

const std::string* ModulePatterns::use(size_t entry) {
  used_[entry] = true;
  return &entries_[entry];
}

const std::string* ModulePatterns::match(std::string_view tensor) {
  const std::string* found = nullptr;
  const auto look_up = [&](std::string_view name) {
    const auto place = names_.find(std::string(name));
    if (place == names_.end()) return;
    const std::string* entry = use(place->second);
    if (found == nullptr) found = entry;
  };
  std::string_view module = tensor;
  if (module.ends_with(".weight")) module.remove_suffix(7);
  for (size_t dot = tensor.find('.'); dot != std::string_view::npos; dot = tensor.find('.', dot + 1)) {
    look_up(tensor.substr(0, dot));
  }
  look_up(tensor);
  for (size_t dot = module.find('.'); dot != std::string_view::npos; dot = module.find('.', dot + 1)) {
    look_up(module.substr(dot + 1));
  }
  for (const auto& regex : regexes_) {
    if (!regex->matches(module)) continue;
    const std::string* entry = use(regex->entry);
    if (found == nullptr) found = entry;
  }
  return found;
}

std::vector<std::string> ModulePatterns::unused() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (!used_[i]) names.push_back(entries_[i]);
  }
  return names;
}

}  // namespace drawbridge
