#include "text/pre_tokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "text/regex_dialect.h"
#include "text/utf8.h"

namespace drawbridge {
namespace {

using CodePtr = std::shared_ptr<const pcre2_code>;

// Backtracking steps for one match; ordinary text needs about one per character of the longest run.
constexpr uint32_t kMatchLimit = 100'000'000;

std::string error_text(int error) {
  std::array<PCRE2_UCHAR, 256> buffer{};
  pcre2_get_error_message(error, buffer.data(), buffer.size());
  return reinterpret_cast<const char*>(buffer.data());
}

Result<CodePtr> compile_one(const std::string& pattern, const std::string& source) {
  DB_ASSIGN(const std::string translated, translate_split_regex(pattern, source));
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                   PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (code == nullptr) {
    return fail(Code::kUnsupported, "{}: pre_tokenizer regex '{}': wanted one that PCRE2 compiles, found: {}", source,
                replace_invalid_utf8(pattern), error_text(error));
  }
  // Without JIT the same code runs interpreted, with equal results.
  (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  return CodePtr(code, [](const pcre2_code* p) { pcre2_code_free(const_cast<pcre2_code*>(p)); });
}

struct Matcher {
  explicit Matcher(const CodePtr& regex)
      : code(regex.get()),
        data(pcre2_match_data_create_from_pattern(code, nullptr), &pcre2_match_data_free),
        context(pcre2_match_context_create(nullptr), &pcre2_match_context_free) {
    DB_CHECK(data != nullptr && context != nullptr);
    pcre2_set_match_limit(context.get(), kMatchLimit);
  }

  /// Finds the next match from `at`; PCRE2's code, with the match in begin and end.
  int find(std::string_view text, size_t at) {
    const int rc = pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at, PCRE2_NO_UTF_CHECK,
                               data.get(), context.get());
    if (rc < 0) return rc;
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data.get());
    begin = range[0];
    end = range[1];
    return rc;
  }

  const pcre2_code* code;
  std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> data;
  std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> context;
  size_t begin = 0;
  size_t end = 0;
};

Status split_one(Matcher& matcher, std::string_view text, std::vector<std::string_view>& pieces) {
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const int rc = matcher.find(text, at);
    if (rc == PCRE2_ERROR_NOMATCH) break;
    if (rc < 0) {
      return fail(Code::kResourceExhausted,
                  "pre_tokenizer regex on a text of {} bytes: wanted a match within {} steps, found: {}; send shorter "
                  "or plainer text",
                  text.size(), kMatchLimit, error_text(rc));
    }
    if (matcher.begin > done) pieces.push_back(text.substr(done, matcher.begin - done));
    if (matcher.end > matcher.begin) pieces.push_back(text.substr(matcher.begin, matcher.end - matcher.begin));
    done = std::max(matcher.begin, matcher.end);
    at = matcher.end > matcher.begin ? done : done + (done < text.size() ? next_utf8(text, done).bytes : 1);
  }
  if (done < text.size()) pieces.push_back(text.substr(done));
  return {};
}

}  // namespace

Result<PreTokenizer> PreTokenizer::compile(const std::vector<std::string>& patterns, const std::string& source) {
  PreTokenizer result;
  for (const std::string& pattern : patterns) {
    DB_ASSIGN(CodePtr code, compile_one(pattern, source));
    result.codes_.push_back(std::move(code));
  }
  return result;
}

Status PreTokenizer::split(std::string_view text, std::vector<std::string_view>& pieces) const {
  std::vector<std::string_view> current = {text};
  for (const auto& code : codes_) {
    std::vector<std::string_view> next;
    Matcher matcher(code);
    for (std::string_view piece : current) DB_TRY(split_one(matcher, piece, next));
    current = std::move(next);
  }
  pieces.insert(pieces.end(), current.begin(), current.end());
  return {};
}

}  // namespace drawbridge
