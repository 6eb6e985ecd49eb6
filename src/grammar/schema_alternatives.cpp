#include "grammar/schema_alternatives.h"

#include <algorithm>
#include <charconv>

#include "grammar/regex.h"

namespace drawbridge {
namespace {

const std::unordered_map<std::string, unsigned>& types() {
  static const std::unordered_map<std::string, unsigned> kTypes = {
      {"null", kNull},     {"boolean", kBooleans}, {"integer", kInteger}, {"number", kNumbers},
      {"string", kString}, {"array", kArray},      {"object", kObject}};
  return kTypes;
}

std::string keyword_of(const std::string& where) {
  return where.substr(where.rfind('/') + 1);
}

std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

/// A key of a JSON pointer in a fragment; a "%2" that is cut stays as it is.
std::string unescaped(std::string_view part) {
  std::string out;
  for (size_t i = 0; i < part.size(); ++i) {
    int byte = 0;
    const bool has_byte =
        part[i] == '%' && i + 2 < part.size() &&
        std::from_chars(part.data() + i + 1, part.data() + i + 3, byte, 16).ptr == part.data() + i + 3;
    if (has_byte) {
      out += static_cast<char>(byte);
      i += 2;
    } else if (part[i] == '~' && i + 1 < part.size()) {
      out += part[++i] == '0' ? '~' : '/';
    } else {
      out += part[i];
    }
  }
  return out;
}

}  // namespace

SchemaReader::SchemaReader(const Json& root, const std::string& field, const GrammarLimits& limits,
                           Languages& languages)
    : root_(root), field_(field), limits_(limits), languages_(languages), numbers_(languages) {
  pointers_[&root] = "";
}

const std::unordered_map<std::string, SchemaReader::Reader>& SchemaReader::readers() {
  using Self = SchemaReader;
  static const std::unordered_map<std::string, Reader> kReaders = [] {
    std::unordered_map<std::string, Reader> out = {
        {"type", &Self::type},
        {"const", &Self::constant},
        {"enum", &Self::enumeration},
        {"pattern", &Self::pattern},
        {"multipleOf", &Self::multiple_of},
        {"items", &Self::items},
        {"prefixItems", &Self::prefix_items},
        {"properties", &Self::properties},
        {"patternProperties", &Self::pattern_properties},
        {"additionalProperties", &Self::additional_properties},
        {"required", &Self::required},
        {"allOf", &Self::all_of},
        {"anyOf", &Self::any_of},
        {"oneOf", &Self::one_of},
        {"$ref", &Self::reference},
        {"$id", &Self::identifier},
        {"$schema", &Self::dialect},
        {"dependentRequired", &Self::dependent_required},
    };
    for (const char* name : {"minLength", "maxLength", "minItems", "maxItems", "maxProperties"}) {
      out[name] = &Self::length;
    }
    for (const char* name : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}) out[name] = &Self::bound;
    for (const char* name :
         {"$comment", "$defs", "definitions", "title", "description", "default", "examples", "deprecated", "readOnly",
          "writeOnly", "format", "contentEncoding", "contentMediaType", "contentSchema"}) {
      out[name] = &Self::annotation;
    }
    return out;
  }();
  return kReaders;
}

SchemaAlternative SchemaReader::anything() const {
  SchemaAlternative out;
  out.number = numbers_.any();
  out.text = languages_.all();
  return out;
}

Result<SchemaAlternatives> SchemaReader::alternatives(const SchemaSet& schemas) {
  Alternatives out = {anything()};
  for (const Json* schema : schemas) {
    DB_ASSIGN(const Alternatives own, read(*schema));
    DB_ASSIGN(out, product(out, own));
  }
  return out;
}

Result<SchemaAlternatives> SchemaReader::read(const Json& schema) {
  const std::string where = field_ + pointers_[&schema];
  if (schema.is_boolean()) return schema.get<bool>() ? Alternatives{anything()} : Alternatives{};
  if (!schema.is_object()) {
    return fail(Code::kInvalidArgument, "{}: wanted a schema (object or boolean), found {}", where, schema.type_name());
  }
  if (open_.count(&schema) != 0 || static_cast<int>(open_.size()) >= limits_.max_depth) {
    return fail(Code::kUnsupported, "{}: comes back to itself before any value, or lies more than {} schemas deep",
                where, limits_.max_depth);
  }
  open_.insert(&schema);
  Alternatives out = {anything()};
  for (const auto& [keyword, value] : schema.items()) {
    const std::string place = where + "/" + keyword;
    const auto reader = readers().find(keyword);
    if (reader == readers().end()) {
      return fail(Code::kUnsupported, "{}: keyword '{}' cannot be enforced", place, keyword);
    }
    DB_ASSIGN(const Alternatives own, (this->*reader->second)(schema, value, place));
    DB_ASSIGN(out, product(out, own));
  }
  open_.erase(&schema);
  return out;
}

Result<SchemaAlternatives> SchemaReader::product(const Alternatives& a, const Alternatives& b) {
  const auto narrow = [](auto& length, const auto& other) {
    length.min = std::max(length.min, other.min);
    length.max = std::min(length.max, other.max);
  };
  Alternatives out;
  for (const SchemaAlternative& one : a) {
    for (const SchemaAlternative& other : b) {
      if (++n_alternatives_ > limits_.max_alternatives) {
        return fail(Code::kOutOfRange, "{}: wanted at most {} alternatives, found more", field_,
                    limits_.max_alternatives);
      }
      SchemaAlternative both = one;
      both.types &= other.types;
      both.number = languages_.both({one.number, other.number});
      both.text = languages_.both({one.text, other.text});
      narrow(both.characters, other.characters);
      narrow(both.items, other.items);
      narrow(both.members, other.members);
      both.item_schemas.insert(both.item_schemas.end(), other.item_schemas.begin(), other.item_schemas.end());
      both.member_schemas.insert(both.member_schemas.end(), other.member_schemas.begin(), other.member_schemas.end());
      both.required.insert(other.required.begin(), other.required.end());
      if (both.types != 0) out.push_back(std::move(both));
    }
  }
  return out;
}

Result<const Json*> SchemaReader::child(const Json& schema, const std::string& where) {
  pointers_.try_emplace(&schema, where.substr(field_.size()));
  return &schema;
}

Result<SchemaAlternatives> SchemaReader::annotation(const Json& /*schema*/, const Json& /*value*/,
                                                    const std::string& /*where*/) {
  return Alternatives{anything()};
}

Result<SchemaAlternatives> SchemaReader::type(const Json& /*schema*/, const Json& value, const std::string& where) {
  SchemaAlternative out = anything();
  out.types = 0;
  for (const Json& name : value.is_array() ? value : Json::array({value})) {
    const auto known = name.is_string() ? types().find(name.get<std::string>()) : types().end();
    if (known == types().end()) {
      return fail(Code::kInvalidArgument, "{}: wanted names of JSON types, found {}", where, dump_json(name));
    }
    out.types |= known->second;
  }
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::constant(const Json& schema, const Json& value, const std::string& where) {
  return enumeration(schema, Json::array({value}), where);
}

Result<SchemaAlternatives> SchemaReader::enumeration(const Json& /*schema*/, const Json& value,
                                                     const std::string& where) {
  if (!value.is_array()) return fail(Code::kInvalidArgument, "{}: wanted an array", where);
  SchemaAlternative out = anything();
  out.types = 0;
  Alternatives structured;
  std::vector<Languages::Term> numbers, texts;
  for (const Json& one : value) {
    if (one.is_structured()) {
      DB_ASSIGN(Alternatives own, structured_constant(one, where));
      std::move(own.begin(), own.end(), std::back_inserter(structured));
    }
    if (one.is_null()) out.types |= kNull;
    if (one.is_boolean()) out.types |= one.get<bool>() ? kTrue : kFalse;
    if (one.is_string()) {
      out.types |= kString;
      texts.push_back(languages_.text(one.get_ref<const std::string&>()));
    }
    if (!one.is_number()) continue;
    out.types |= kInteger | kFraction;
    DB_ASSIGN(const Decimal number, to_decimal(one, where));
    numbers.push_back(numbers_.equal(number));
  }
  out.number = languages_.either(std::move(numbers));
  out.text = languages_.either(std::move(texts));
  if (out.types != 0) structured.push_back(std::move(out));
  return structured;
}

/// An array or object, as a schema of its parts.
Result<SchemaAlternatives> SchemaReader::structured_constant(const Json& value, const std::string& where) {
  Json schema = {{"type", value.is_array() ? "array" : "object"}};
  Json parts = value.is_array() ? Json::array() : Json::object();
  if (value.is_array()) {
    for (const Json& one : value) parts.push_back(Json{{"const", one}});
    schema["minItems"] = value.size();
    schema["items"] = false;
    schema["prefixItems"] = std::move(parts);
  } else {
    schema["required"] = Json::array();
    for (const auto& [name, one] : value.items()) {
      parts[name] = Json{{"const", one}};
      schema["required"].push_back(name);
    }
    schema["additionalProperties"] = false;
    schema["properties"] = std::move(parts);
  }
  made_.push_back(std::make_unique<Json>(std::move(schema)));
  DB_ASSIGN(const Json* own, child(*made_.back(), where));
  return read(*own);
}

Result<SchemaAlternatives> SchemaReader::length(const Json& /*schema*/, const Json& value, const std::string& where) {
  const bool is_count = value.is_number() && value.get<double>() >= 0 && value.get<double>() <= 1e9 &&
                        static_cast<double>(value.get<int64_t>()) == value.get<double>();
  if (!is_count) {
    return fail(Code::kInvalidArgument, "{}: wanted a count of at most 1000000000, found {}", where, dump_json(value));
  }
  SchemaAlternative out = anything();
  const std::string name = keyword_of(where);
  SchemaAlternative::Length& own = name.substr(3) == "Length"  ? out.characters
                                   : name.substr(3) == "Items" ? out.items
                                                               : out.members;
  (name.substr(0, 3) == "min" ? own.min : own.max) = value.get<int64_t>();
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::pattern(const Json& /*schema*/, const Json& value, const std::string& where) {
  if (!value.is_string()) return fail(Code::kInvalidArgument, "{}: wanted a string", where);
  SchemaAlternative out = anything();
  DB_ASSIGN(out.text,
            parse_regex(languages_, value.get_ref<const std::string&>(), RegexMatch::kSearch, where, limits_));
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::bound(const Json& /*schema*/, const Json& value, const std::string& where) {
  SchemaAlternative out = anything();
  out.types &= ~unsigned{kExponent};
  DB_ASSIGN(const Decimal decimal, to_decimal(value, where));
  const std::string name = keyword_of(where);
  const bool strictly = name.substr(0, 9) == "exclusive";
  const bool is_minimum = name == "minimum" || name == "exclusiveMinimum";
  out.number = is_minimum ? numbers_.at_least(decimal, strictly) : numbers_.at_most(decimal, strictly);
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::multiple_of(const Json& /*schema*/, const Json& value,
                                                     const std::string& where) {
  SchemaAlternative out = anything();
  out.types &= ~unsigned{kExponent};
  DB_ASSIGN(const Decimal decimal, to_decimal(value, where));
  DB_ASSIGN(out.number, numbers_.multiple(decimal, where));
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::items(const Json& schema, const Json& value, const std::string& where) {
  SchemaAlternative out = anything();
  const auto prefix = schema.find("prefixItems");
  const int64_t from = prefix == schema.end() ? 0 : static_cast<int64_t>(prefix->size());
  DB_ASSIGN(const Json* own, child(value, where));
  out.item_schemas.push_back({from, kUnbounded, own});
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::prefix_items(const Json& /*schema*/, const Json& value,
                                                      const std::string& where) {
  if (!value.is_array()) return fail(Code::kInvalidArgument, "{}: wanted an array of schemas", where);
  SchemaAlternative out = anything();
  for (size_t i = 0; i < value.size(); ++i) {
    DB_ASSIGN(const Json* own, child(value[i], fmt::format("{}/{}", where, i)));
    out.item_schemas.push_back({static_cast<int64_t>(i), static_cast<int64_t>(i) + 1, own});
  }
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::properties(const Json& /*schema*/, const Json& value,
                                                    const std::string& where) {
  if (!value.is_object()) return fail(Code::kInvalidArgument, "{}: wanted an object of schemas", where);
  SchemaAlternative out = anything();
  for (const auto& [name, schema] : value.items()) {
    DB_ASSIGN(const Json* own, child(schema, where + "/" + escaped(name)));
    out.member_schemas.push_back({name, languages_.text(name), own});
  }
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::pattern_properties(const Json& /*schema*/, const Json& value,
                                                            const std::string& where) {
  if (!value.is_object()) return fail(Code::kInvalidArgument, "{}: wanted an object of schemas", where);
  SchemaAlternative out = anything();
  for (const auto& [text, schema] : value.items()) {
    const std::string place = where + "/" + escaped(text);
    DB_ASSIGN(const Json* own, child(schema, place));
    DB_ASSIGN(const Languages::Term keys, parse_regex(languages_, text, RegexMatch::kSearch, place, limits_));
    out.member_schemas.push_back({std::nullopt, keys, own});
  }
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::additional_properties(const Json& schema, const Json& value,
                                                               const std::string& where) {
  std::vector<Languages::Term> named;
  if (const auto own = schema.find("properties"); own != schema.end() && own->is_object()) {
    for (const auto& [name, unused] : own->items()) named.push_back(languages_.text(name));
  }
  if (const auto own = schema.find("patternProperties"); own != schema.end() && own->is_object()) {
    for (const auto& [text, unused] : own->items()) {
      DB_ASSIGN(const Languages::Term keys, parse_regex(languages_, text, RegexMatch::kSearch, where, limits_));
      named.push_back(keys);
    }
  }
  SchemaAlternative out = anything();
  DB_ASSIGN(const Json* own, child(value, where));
  out.member_schemas.push_back({std::nullopt, languages_.without(languages_.either(std::move(named))), own});
  return Alternatives{out};
}

Result<SchemaAlternatives> SchemaReader::required(const Json& /*schema*/, const Json& value, const std::string& where) {
  if (!value.is_array()) return fail(Code::kInvalidArgument, "{}: wanted an array of strings", where);
  SchemaAlternative out = anything();
  for (const Json& name : value) {
    if (!name.is_string()) {
      return fail(Code::kInvalidArgument, "{}: wanted an array of strings", where);
    }
    out.required.insert(name.get<std::string>());
  }
  return Alternatives{out};
}

/// Either the member is not there, or others are too.
Result<SchemaAlternatives> SchemaReader::dependent_required(const Json& schema, const Json& value,
                                                            const std::string& where) {
  if (!value.is_object()) return fail(Code::kInvalidArgument, "{}: wanted an object", where);
  static const Json kFalse(false);
  Alternatives out = {anything()};
  for (const auto& [name, others] : value.items()) {
    SchemaAlternative absent = anything();
    absent.member_schemas.push_back({name, languages_.text(name), &kFalse});
    DB_ASSIGN(Alternatives ways, required(schema, others, where + "/" + escaped(name)));
    ways[0].required.insert(name);
    ways[0].types = kObject;
    ways.push_back(std::move(absent));
    DB_ASSIGN(out, product(out, ways));
  }
  return out;
}

/// Below the root it would change what references mean.
Result<SchemaAlternatives> SchemaReader::identifier(const Json& schema, const Json& /*value*/,
                                                    const std::string& where) {
  if (&schema == &root_) return Alternatives{anything()};
  return fail(Code::kUnsupported, "{}: keyword '$id' cannot be enforced", where);
}

/// A dialect of one's own may give keywords another meaning.
Result<SchemaAlternatives> SchemaReader::dialect(const Json& /*schema*/, const Json& value, const std::string& where) {
  const std::string name = value.is_string() ? value.get<std::string>() : dump_json(value);
  for (const char* known : {"http://json-schema.org/", "https://json-schema.org/"}) {
    if (name.substr(0, std::string_view(known).size()) == known) return Alternatives{anything()};
  }
  return fail(Code::kUnsupported, "{}: wanted a dialect of json-schema.org, found {}", where, name);
}

Result<SchemaAlternatives> SchemaReader::all_of(const Json& /*schema*/, const Json& value, const std::string& where) {
  if (!value.is_array()) return fail(Code::kInvalidArgument, "{}: wanted an array of schemas", where);
  Alternatives out = {anything()};
  for (size_t i = 0; i < value.size(); ++i) {
    DB_ASSIGN(const Json* schema, child(value[i], fmt::format("{}/{}", where, i)));
    DB_ASSIGN(const Alternatives own, read(*schema));
    DB_ASSIGN(out, product(out, own));
  }
  return out;
}

Result<SchemaAlternatives> SchemaReader::any_of(const Json& /*schema*/, const Json& value, const std::string& where) {
  if (!value.is_array()) return fail(Code::kInvalidArgument, "{}: wanted an array of schemas", where);
  Alternatives out;
  for (size_t i = 0; i < value.size(); ++i) {
    DB_ASSIGN(const Json* schema, child(value[i], fmt::format("{}/{}", where, i)));
    DB_ASSIGN(Alternatives own, read(*schema));
    std::move(own.begin(), own.end(), std::back_inserter(out));
  }
  return out;
}

/// Where no two can hold together it is anyOf; others are refused.
Result<SchemaAlternatives> SchemaReader::one_of(const Json& schema, const Json& value, const std::string& where) {
  DB_ASSIGN(Alternatives out, any_of(schema, value, where));
  for (size_t i = 0; i < value.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      DB_ASSIGN(const Alternatives a, read(value[i]));
      DB_ASSIGN(const Alternatives b, read(value[j]));
      DB_ASSIGN(const Alternatives shared, product(a, b));
      for (const SchemaAlternative& one : shared) {
        DB_ASSIGN(const bool possible, may_hold(one));
        if (!possible) continue;
        return fail(Code::kUnsupported, "{}: alternatives {} and {} may hold together, which cannot be enforced", where,
                    j, i);
      }
    }
  }
  return out;
}

/// False: no value at all. Only what lies one member deep is looked at.
Result<bool> SchemaReader::may_hold(const SchemaAlternative& one) {
  if ((one.types & (kNull | kBooleans | kArray | kExponent)) != 0) return true;
  if ((one.types & kNumbers) != 0) {
    DB_ASSIGN(const CharacterDfa dfa, languages_.to_dfa(number_of(one), limits_.max_states));
    if (!dfa.states.empty()) return true;
  }
  if ((one.types & kString) != 0) {
    DB_ASSIGN(const CharacterDfa dfa, languages_.to_dfa(one.text, limits_.max_states));
    if (!dfa.states.empty() && one.characters.min <= one.characters.max) return true;
  }
  if ((one.types & kObject) == 0) return false;
  if (is_inside_member_) return true;
  for (const std::string& name : one.required) {
    SchemaSet schemas;
    for (const auto& members : one.member_schemas) {
      const bool applies = members.name ? *members.name == name : languages_.contains(members.keys, name);
      if (applies) schemas.insert(members.schema);
    }
    DB_ASSIGN(const bool possible, may_hold_member(schemas));
    if (!possible) return false;
  }
  return true;
}

Result<bool> SchemaReader::may_hold_member(const SchemaSet& schemas) {
  is_inside_member_ = true;
  const auto own = alternatives(schemas);
  bool possible = false;
  for (size_t i = 0; own.ok() && i < own->size(); ++i) {
    const auto may = may_hold((*own)[i]);
    possible = possible || !may.ok() || *may;
  }
  is_inside_member_ = false;
  if (!own.ok()) return own.status();
  return possible;
}

Languages::Term SchemaReader::number_of(const SchemaAlternative& one) {
  Languages::Term term = one.number;
  if ((one.types & kFraction) == 0) term = languages_.both({term, numbers_.integer()});
  if ((one.types & kInteger) == 0) term = languages_.both({term, languages_.without(numbers_.integer())});
  if ((one.types & kExponent) != 0) term = languages_.either({term, numbers_.with_exponent()});
  return term;
}

Result<SchemaAlternatives> SchemaReader::reference(const Json& /*schema*/, const Json& value,
                                                   const std::string& where) {
  if (!value.is_string()) return fail(Code::kInvalidArgument, "{}: wanted a string", where);
  DB_ASSIGN(const Json* schema, target(value.get<std::string>(), where));
  return read(*schema);
}

Result<const Json*> SchemaReader::target(const std::string& reference, const std::string& where) {
  const bool is_local = reference == "#" || reference.substr(0, 2) == "#/";
  if (!is_local)
    return fail(Code::kUnsupported, "{}: only references '#/...' are followed, found {}", where, reference);
  const Json* at = &root_;
  for (size_t from = 1; from < reference.size();) {
    const size_t end = std::min(reference.find('/', from + 1), reference.size());
    const std::string key = unescaped(std::string_view(reference).substr(from + 1, end - from - 1));
    size_t index = 0;
    const bool is_index = std::from_chars(key.data(), key.data() + key.size(), index).ptr == key.data() + key.size();
    const Json* next = nullptr;
    if (at->is_object() && at->contains(key)) next = &at->at(key);
    if (at->is_array() && is_index && index < at->size()) next = &at->at(index);
    if (next == nullptr) return fail(Code::kInvalidArgument, "{}: {} leads nowhere", where, reference);
    at = next;
    from = end;
    if (at->is_object() && at->contains("$id")) {
      return fail(Code::kUnsupported, "{}: keyword '$id' cannot be enforced below the root", where);
    }
  }
  return child(*at, field_ + reference.substr(1));
}

}  // namespace drawbridge
