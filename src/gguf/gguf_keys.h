// The keys of a GGUF file: typed values by name, read with errors that name file, key, wanted and found.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace drawbridge {

/// Integers of every stored width are int64_t, floats double. Written as u32 (arrays as i32) and f32: what llama.cpp
/// asks for.
using GgufValue = std::variant<bool, int64_t, double, std::string, std::vector<bool>, std::vector<int64_t>,
                               std::vector<double>, std::vector<std::string>>;

class GgufKeys {
 public:
  GgufKeys() = default;
  explicit GgufKeys(std::string source) : source_(std::move(source)) {}

  /// False when the key is there already.
  bool add(std::string key, GgufValue value);

  const std::string& source() const { return source_; }
  const std::map<std::string, GgufValue, std::less<>>& all() const { return values_; }
  bool has(std::string_view key) const { return values_.find(key) != values_.end(); }

  Result<int64_t> integer(std::string_view key, int64_t low, int64_t high) const;
  Result<double> number(std::string_view key) const;
  Result<bool> boolean(std::string_view key) const;
  Result<std::string> text(std::string_view key) const;
  /// Borrowed from the keys. Booleans and integers alike where integers are asked for.
  Result<std::vector<int64_t>> integers(std::string_view key) const;
  Result<const std::vector<std::string>*> texts(std::string_view key) const;

 private:
  Result<const GgufValue*> require(std::string_view key) const;
  Status refuse(std::string_view key, const std::string& wanted, const GgufValue& found) const;

  std::string source_;
  std::map<std::string, GgufValue, std::less<>> values_;
};

/// A value in one short line, for messages.
std::string describe_gguf_value(const GgufValue& value);

}  // namespace drawbridge
