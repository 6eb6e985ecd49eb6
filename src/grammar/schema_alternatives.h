// A JSON schema as alternatives: what its keywords, references and combinations ask of a value, multiplied out, so
// that each alternative is one list of bounds for each type of value. Schemas of items and members stay as they are.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "grammar/compile.h"
#include "grammar/language.h"
#include "grammar/number_language.h"

namespace drawbridge {

enum JsonType : unsigned {
  kNull = 1,
  kTrue = 2,
  kFalse = 4,
  kInteger = 8,
  kFraction = 16,
  kExponent = 32,  // 1e5: written only where nothing but "number" is asked of it
  kString = 64,
  kArray = 128,
  kObject = 256,
  kBooleans = kTrue | kFalse,
  kNumbers = kInteger | kFraction | kExponent,
  kAnyType = 511,
};

/// Schemas that a value must all satisfy.
using SchemaSet = std::set<const Json*>;

struct SchemaAlternative {
  struct Length {
    int64_t min = 0, max = kUnbounded;
  };
  struct Items {
    int64_t from = 0, to = kUnbounded;  // places in the array
    const Json* schema = nullptr;
  };
  struct Members {
    std::optional<std::string> name;  // or all in `keys`
    Languages::Term keys = 0;
    const Json* schema = nullptr;
  };

  unsigned types = kAnyType;
  Languages::Term number = 0, text = 0;
  Length characters, items, members;
  std::vector<Items> item_schemas;
  std::vector<Members> member_schemas;
  std::set<std::string> required;
};
using SchemaAlternatives = std::vector<SchemaAlternative>;

class SchemaReader {
 public:
  SchemaReader(const Json& root, const std::string& field, const GrammarLimits& limits, Languages& languages);

  Result<SchemaAlternatives> alternatives(const SchemaSet& schemas);
  /// The numbers of an alternative.
  Languages::Term number_of(const SchemaAlternative& one);
  const Json* root() const { return &root_; }

 private:
  using Alternatives = SchemaAlternatives;
  using Reader = Result<Alternatives> (SchemaReader::*)(const Json& schema, const Json& value,
                                                        const std::string& where);
  static const std::unordered_map<std::string, Reader>& readers();

  Result<Alternatives> read(const Json& schema);
  Result<Alternatives> product(const Alternatives& a, const Alternatives& b);
  Result<const Json*> child(const Json& schema, const std::string& pointer);
  Result<const Json*> target(const std::string& reference, const std::string& where);
  SchemaAlternative anything() const;

  Result<Alternatives> annotation(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> type(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> constant(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> enumeration(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> length(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> pattern(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> bound(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> multiple_of(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> items(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> prefix_items(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> properties(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> pattern_properties(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> additional_properties(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> required(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> all_of(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> one_of(const Json& schema, const Json& value, const std::string& where);
  Result<bool> may_hold(const SchemaAlternative& one);
  Result<bool> may_hold_member(const SchemaSet& schemas);
  Result<Alternatives> dependent_required(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> dialect(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> identifier(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> structured_constant(const Json& value, const std::string& where);
  Result<Alternatives> any_of(const Json& schema, const Json& value, const std::string& where);
  Result<Alternatives> reference(const Json& schema, const Json& value, const std::string& where);

  const Json& root_;
  const std::string& field_;
  const GrammarLimits& limits_;
  Languages& languages_;
  NumberLanguages numbers_;
  std::unordered_map<const Json*, std::string> pointers_;
  std::vector<std::unique_ptr<Json>> made_;  // schemas of constants
  std::set<const Json*> open_;               // being read
  bool is_inside_member_ = false;
  int64_t n_alternatives_ = 0;
};

}  // namespace drawbridge
