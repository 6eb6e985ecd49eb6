// Lists of module names as quantization configs write them: names, globs (`*`, `?`) and `re:` regular expressions.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace drawbridge {

/// Threads: match() marks entries as used, so one thread at a time.
class ModulePatterns {
 public:
  /// Errors: more than 1,024 globs and regular expressions, one that PCRE2 does not compile.
  static Result<ModulePatterns> compile(const std::vector<std::string>& entries);

  /// The first entry that names `tensor` or a module that it lies in, or nullptr. A name stands for itself, for all
  /// that lies below it and for every module that ends with it; a glob for the whole name; a regular expression, as
  /// Python's re.match, for the start of the name.
  const std::string* match(std::string_view tensor);

  /// Entries that no match() has ever found.
  std::vector<std::string> unused() const;

 private:
  struct Regex;  // a compiled glob or regular expression and its entry

  const std::string* use(size_t entry);

  std::vector<std::string> entries_;
  std::vector<bool> used_;
  std::unordered_map<std::string, size_t> names_;  // plain entries
  std::vector<std::shared_ptr<const Regex>> regexes_;
};

}  // namespace drawbridge
