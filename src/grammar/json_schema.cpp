#include <algorithm>
#include <map>

#include "grammar/compile.h"
#include "grammar/compiled_grammar.h"
#include "grammar/schema_alternatives.h"
#include "text/argument_value.h"

namespace drawbridge {
namespace {

using Fragment = ProgramBuilder::Fragment;
using Spelling = ProgramBuilder::Spelling;

/// A set of schemas becomes a rule; recursion through items and members is recursion of rules.
class JsonSchemaCompiler {
 public:
  /// No string contains `forbidden`, if there is one.
  JsonSchemaCompiler(const Json& schema, const std::string& field, const GrammarLimits& limits, ProgramBuilder& builder,
                     std::string_view forbidden = {})
      : field_(field),
        limits_(limits),
        languages_(limits.max_terms),
        builder_(builder),
        reader_(schema, field, limits, languages_),
        safe_text_(languages_.all()) {
    if (forbidden.empty()) return;
    const Languages::Term after = languages_.sequence(languages_.text(forbidden), languages_.all());
    safe_text_ = languages_.without(languages_.sequence(languages_.all(), after));
  }

  /// The rule of the schema.
  Result<int32_t> add() {
    const int32_t root = at(place_of({reader_.root()})).rule;
    for (size_t i = 0; i < values_.size(); ++i) DB_TRY(read(i));
    find_satisfiable();
    if (!values_[0].satisfiable) return fail(Code::kInvalidArgument, "{}: no value satisfies the schema", field_);
    for (Value& value : values_) {
      std::vector<Fragment> ways;
      for (const Shape& shape : value.shapes) {
        if (satisfiable(shape)) ways.push_back(emit(shape));
      }
      builder_.define(value.rule, builder_.choice(ways));
    }
    DB_TRY(Status(languages_.status()));
    return root;
  }

  /// Declared members as GLM writes a call's arguments: strings bare, other values as JSON. After add().
  Fragment arguments() {
    std::vector<Fragment> ways;
    for (const Shape& shape : values_[0].shapes) {
      if ((shape.types & kObject) != 0 && has_object(shape)) ways.push_back(emit_arguments(shape));
    }
    return builder_.choice(ways);
  }

 private:
  struct Extra {
    CharacterDfa keys;
    int32_t value = 0;
  };
  struct Shape {
    unsigned types = 0;
    CharacterDfa number, text;
    bool any_text = false;
    SchemaAlternative::Length characters, items, members;
    std::vector<int32_t> prefix;  // places in values_
    int32_t rest = 0;
    std::map<std::string, int32_t> named;
    std::set<std::string> required;
    std::vector<Extra> extras;
  };
  struct Value {
    SchemaSet schemas;
    int32_t rule = 0;
    std::vector<Shape> shapes;
    bool satisfiable = false;
  };

  int32_t place_of(const SchemaSet& schemas) {
    const auto [found, is_new] = places_.try_emplace(schemas, static_cast<int32_t>(values_.size()));
    if (is_new) {
      values_.push_back({schemas, builder_.add_rule(fmt::format("value {}", values_.size())), {}, false});
    }
    return found->second;
  }
  Value& at(int32_t place) { return values_[static_cast<size_t>(place)]; }

  Result<CharacterDfa> dfa(Languages::Term term) {
    auto out = languages_.to_dfa(term, limits_.max_states);
    if (!out.ok()) return fail(out.status().code(), "{}: {}", field_, out.status().message());
    return out;
  }

  Status read(size_t place) {
    if (static_cast<int64_t>(place) > limits_.max_alternatives) {
      return fail(Code::kOutOfRange, "{}: wanted at most {} values, found more", field_, limits_.max_alternatives);
    }
    DB_ASSIGN(const SchemaAlternatives alternatives, reader_.alternatives(values_[place].schemas));
    for (const SchemaAlternative& one : alternatives) {
      Shape shape;
      shape.types = one.types;
      shape.characters = one.characters;
      shape.items = one.items;
      shape.members = one.members;
      shape.required = one.required;
      if ((one.types & kNumbers) != 0) DB_TRY(read_number(one, shape));
      if ((one.types & kString) != 0) DB_TRY(read_text(one, shape));
      if ((one.types & kArray) != 0) read_items(one, shape);
      if ((one.types & kObject) != 0) DB_TRY(read_members(one, shape));
      values_[place].shapes.push_back(std::move(shape));
    }
    return Status();
  }

  Status read_number(const SchemaAlternative& one, Shape& shape) {
    DB_ASSIGN(shape.number, dfa(reader_.number_of(one)));
    return Status();
  }

  Status read_text(const SchemaAlternative& one, Shape& shape) {
    const Languages::Term text = languages_.both({one.text, safe_text_});
    shape.any_text = text == languages_.all();
    if (shape.any_text) return Status();
    const Languages::Term character = languages_.set({{0, kLastCharacter}});
    const Languages::Term length = languages_.repeat(character, one.characters.min, one.characters.max);
    const bool possible = one.characters.min <= one.characters.max;
    DB_ASSIGN(shape.text, dfa(possible ? languages_.both({text, length}) : languages_.never()));
    return Status();
  }

  void read_items(const SchemaAlternative& one, Shape& shape) {
    int64_t n_prefix = 0;
    for (const auto& items : one.item_schemas)
      n_prefix = std::max(n_prefix, std::max(items.from, items.to == kUnbounded ? 0 : items.to));
    const auto schemas_at = [&](int64_t place) {
      SchemaSet out;
      for (const auto& items : one.item_schemas) {
        if (items.from <= place && place < items.to) out.insert(items.schema);
      }
      return place_of(out);
    };
    for (int64_t i = 0; i < n_prefix; ++i) shape.prefix.push_back(schemas_at(i));
    shape.rest = schemas_at(n_prefix);
  }

  Status read_members(const SchemaAlternative& one, Shape& shape) {
    std::set<std::string> names = one.required;
    std::vector<Languages::Term> texts;
    for (const auto& members : one.member_schemas) {
      if (members.name) names.insert(*members.name);
    }
    if (names.size() > kMaxMembers) {
      return fail(Code::kOutOfRange, "{}: wanted at most {} properties of an object, found {}", field_, kMaxMembers,
                  names.size());
    }
    for (const std::string& name : names) {
      SchemaSet schemas;
      for (const auto& members : one.member_schemas) {
        const bool applies = members.name ? *members.name == name : languages_.contains(members.keys, name);
        if (applies) schemas.insert(members.schema);
      }
      shape.named[name] = place_of(schemas);
      texts.push_back(languages_.text(name));
    }
    return read_extras(one, languages_.without(languages_.either(std::move(texts))), shape);
  }

  /// Splits the keys without a name of their own by the schemas that apply to them.
  Status read_extras(const SchemaAlternative& one, Languages::Term others, Shape& shape) {
    std::vector<std::pair<Languages::Term, SchemaSet>> parts = {{languages_.both({others, safe_text_}), {}}};
    for (const auto& members : one.member_schemas) {
      if (members.name) continue;
      std::vector<std::pair<Languages::Term, SchemaSet>> split;
      for (const auto& [keys, schemas] : parts) {
        SchemaSet more = schemas;
        more.insert(members.schema);
        split.push_back({languages_.both({keys, members.keys}), more});
        split.push_back({languages_.both({keys, languages_.without(members.keys)}), schemas});
      }
      parts.clear();
      for (auto& part : split) {
        DB_ASSIGN(const CharacterDfa keys, dfa(part.first));
        if (!keys.states.empty()) parts.push_back(std::move(part));
      }
    }
    for (const auto& [keys, schemas] : parts) {
      DB_ASSIGN(CharacterDfa own, dfa(keys));
      shape.extras.push_back({std::move(own), place_of(schemas)});
    }
    return Status();
  }

  void find_satisfiable() {
    for (bool changed = true; changed;) {
      changed = false;
      for (Value& value : values_) {
        if (value.satisfiable) continue;
        value.satisfiable =
            std::any_of(value.shapes.begin(), value.shapes.end(), [&](Shape& s) { return satisfiable(s); });
        changed = changed || value.satisfiable;
      }
    }
  }

  bool has_text(const Shape& shape) const {
    return shape.any_text ? shape.characters.min <= shape.characters.max : !shape.text.states.empty();
  }
  int32_t item(const Shape& shape, int64_t i) const {
    return i < static_cast<int64_t>(shape.prefix.size()) ? shape.prefix[static_cast<size_t>(i)] : shape.rest;
  }
  /// Items until one that no value satisfies, or the maximum.
  int64_t most_items(const Shape& shape) {
    const auto n = static_cast<int64_t>(shape.prefix.size());
    for (int64_t i = 0; i <= n; ++i) {
      if (!at(item(shape, i)).satisfiable) return std::min(i, shape.items.max);
    }
    return shape.items.max;
  }
  bool has_array(const Shape& shape) { return shape.items.min <= most_items(shape); }
  bool has_object(const Shape& shape) {
    return static_cast<int64_t>(shape.required.size()) <= shape.members.max &&
           std::all_of(shape.required.begin(), shape.required.end(),
                       [&](const std::string& name) { return at(shape.named.at(name)).satisfiable; });
  }
  bool satisfiable(const Shape& shape) {
    return (shape.types & (kNull | kBooleans)) != 0 || !shape.number.states.empty() ||
           ((shape.types & kString) != 0 && has_text(shape)) || ((shape.types & kArray) != 0 && has_array(shape)) ||
           ((shape.types & kObject) != 0 && has_object(shape));
  }

  Fragment emit(const Shape& shape) {
    std::vector<Fragment> ways;
    if ((shape.types & kNull) != 0) ways.push_back(builder_.literal("null"));
    if ((shape.types & kTrue) != 0) ways.push_back(builder_.literal("true"));
    if ((shape.types & kFalse) != 0) ways.push_back(builder_.literal("false"));
    if (!shape.number.states.empty()) ways.push_back(builder_.language(shape.number, Spelling::kRaw));
    if ((shape.types & kString) != 0 && has_text(shape)) ways.push_back(emit_text(shape));
    if ((shape.types & kArray) != 0 && has_array(shape)) ways.push_back(emit_array(shape));
    if ((shape.types & kObject) != 0 && has_object(shape)) ways.push_back(emit_object(shape));
    return builder_.choice(ways);
  }

  Fragment quoted(Fragment inside) {
    return builder_.sequence({builder_.literal("\""), inside, builder_.literal("\"")});
  }
  /// One space may follow, as Python's json.dumps and people write it.
  Fragment spaced(std::string_view mark) {
    return builder_.sequence({builder_.literal(mark), builder_.choice({builder_.empty(), builder_.literal(" ")})});
  }

  Fragment emit_text(const Shape& shape) {
    if (!shape.any_text) return quoted(builder_.language(shape.text, Spelling::kJsonString));
    const Fragment character = builder_.characters({{0, kLastCharacter}}, Spelling::kJsonString);
    return quoted(builder_.repeat(character, shape.characters.min, shape.characters.max, true));
  }

  Fragment emit_array(const Shape& shape) {
    const int64_t most = most_items(shape), min = shape.items.min;
    const auto n_prefix = std::max<int64_t>(static_cast<int64_t>(shape.prefix.size()), 1);
    const auto next = [&](int64_t i) { return builder_.call(at(item(shape, i)).rule); };
    Fragment tail = builder_.empty();
    if (most > n_prefix) {
      const int64_t left = most == kUnbounded ? kUnbounded : most - n_prefix;
      tail =
          builder_.repeat(builder_.sequence({spaced(","), next(n_prefix)}), std::max<int64_t>(min - n_prefix, 0), left);
    }
    for (int64_t i = std::min(n_prefix, most); i-- > 0;) {
      const Fragment more =
          i == 0 ? builder_.sequence({next(i), tail}) : builder_.sequence({spaced(","), next(i), tail});
      tail = i < min ? more : builder_.choice({builder_.empty(), more});
    }
    return builder_.sequence({builder_.literal("["), tail, builder_.literal("]")});
  }

  Fragment emit_object(const Shape& shape) {
    ProgramBuilder::Object object;
    object.max = shape.members.max;
    for (const auto& [name, value] : shape.named) {
      if (!at(value).satisfiable) continue;
      const Fragment key = builder_.sequence({quoted(builder_.literal(json_spelling(name))), spaced(":")});
      object.members.push_back({key, builder_.call(at(value).rule), shape.required.count(name) != 0});
    }
    for (const Extra& extra : shape.extras) {
      if (!at(extra.value).satisfiable) continue;
      const Fragment key =
          builder_.sequence({quoted(builder_.language(extra.keys, Spelling::kJsonString)), spaced(":")});
      object.extras.push_back({key, builder_.call(at(extra.value).rule), false});
    }
    object.open = builder_.literal("{");
    object.separator = spaced(",");
    object.close = builder_.literal("}");
    return builder_.object(object);
  }

  Fragment emit_arguments(const Shape& shape) {
    const Json& schema = *reader_.root();
    const auto properties = schema.find("properties");
    ProgramBuilder::Object object;
    for (const auto& [name, place_of_value] : shape.named) {
      const Value& value = at(place_of_value);
      if (!value.satisfiable) continue;
      const bool is_bare =
          properties != schema.end() && properties->contains(name) && is_string_schema(properties->at(name));
      std::vector<Fragment> ways;
      for (const Shape& own : value.shapes) {
        if (is_bare) ways.push_back(builder_.language(own.text, Spelling::kRaw));
      }
      const Fragment written = is_bare ? builder_.choice(ways) : builder_.call(value.rule);
      object.members.push_back({builder_.literal("<arg_key>" + name + "</arg_key><arg_value>"),
                                builder_.sequence({written, builder_.literal("</arg_value>")}),
                                shape.required.count(name) != 0});
    }
    object.open = builder_.empty();
    object.separator = builder_.empty();
    object.close = builder_.empty();
    return builder_.object(object);
  }

  const std::string& field_;
  const GrammarLimits& limits_;
  Languages languages_;
  ProgramBuilder& builder_;
  SchemaReader reader_;
  Languages::Term safe_text_;
  std::vector<Value> values_;
  std::map<SchemaSet, int32_t> places_;
};

constexpr std::string_view kCallBegin = "<tool_call>", kCallEnd = "</tool_call>", kValueEnd = "</arg_value>";

Status check_size(const Json& json, const std::string& field, const GrammarLimits& limits) {
  const size_t n = dump_json(json).size();
  if (n <= limits.max_schema_bytes) return Status();
  return fail(Code::kOutOfRange, "{}: wanted a schema of at most {} bytes, found {}", field, limits.max_schema_bytes,
              n);
}

/// Names stand between tags, which one with a '<' could end.
Status check_tag_text(const std::string& name, const std::string& where) {
  if (!name.empty() && name.find('<') == std::string::npos) return Status();
  return fail(Code::kUnsupported, "{}: wanted a name without '<', found '{}'", where, name);
}

/// `<tool_call>name` with arguments, for one tool in OpenAI's form.
Result<Fragment> tool_call(const Json& function, const std::string& field, const GrammarLimits& limits,
                           ProgramBuilder& builder) {
  static const Json kNoParameters = {{"type", "object"}};
  const auto declared = function.find("parameters");
  const Json& parameters = declared == function.end() || declared->is_null() ? kNoParameters : *declared;
  const std::string where = field + "/function/parameters";
  if (!parameters.is_object()) {
    return fail(Code::kInvalidArgument, "{}: wanted an object, found {}", where, parameters.type_name());
  }
  DB_TRY(check_tag_text(function.at("name").get<std::string>(), field + "/function/name"));
  if (const auto properties = parameters.find("properties");
      properties != parameters.end() && properties->is_object()) {
    for (const auto& property : properties->items()) {
      DB_TRY(check_tag_text(property.key(), where + "/properties"));
    }
  }
  JsonSchemaCompiler compiler(parameters, where, limits, builder, kValueEnd);
  DB_TRY(compiler.add().status());
  const std::string begin = std::string(kCallBegin) + function.at("name").get<std::string>();
  return builder.sequence({builder.literal(begin), compiler.arguments(), builder.literal(kCallEnd)});
}

/// Text in which no call begins.
Result<Fragment> free_text(const GrammarLimits& limits, ProgramBuilder& builder) {
  Languages languages(limits.max_terms);
  const Languages::Term after = languages.sequence(languages.text(kCallBegin), languages.all());
  DB_ASSIGN(const CharacterDfa text,
            languages.to_dfa(languages.without(languages.sequence(languages.all(), after)), limits.max_states));
  return builder.language(text, Spelling::kRaw);
}

}  // namespace

Result<SharedGrammar> compile_json_schema(SharedVocabulary vocabulary, const Json& schema, const std::string& field,
                                          const GrammarLimits& limits) {
  DB_TRY(check_size(schema, field, limits));
  ProgramBuilder builder(limits.max_states);
  DB_ASSIGN(const int32_t root, JsonSchemaCompiler(schema, field, limits, builder).add());
  return make_grammar(std::move(vocabulary), builder, root, field, limits);
}

Result<SharedGrammar> compile_json_object(SharedVocabulary vocabulary, const std::string& field,
                                          const GrammarLimits& limits) {
  return compile_json_schema(std::move(vocabulary), Json{{"type", "object"}}, field, limits);
}

Result<SharedGrammar> compile_tool_calls(SharedVocabulary vocabulary, const Json& tools, const ToolChoice& choice,
                                         const std::string& field, const GrammarLimits& limits) {
  DB_TRY(check_size(tools, field, limits));
  if (!tools.is_array()) return fail(Code::kInvalidArgument, "{}: wanted an array, found {}", field, tools.type_name());
  ProgramBuilder builder(limits.max_states);
  std::vector<Fragment> calls;
  for (size_t i = 0; i < tools.size(); ++i) {
    const std::string where = fmt::format("{}/{}", field, i);
    const auto function = tools[i].is_object() ? tools[i].find("function") : tools[i].end();
    const bool has_name = function != tools[i].end() && function->is_object() && function->contains("name") &&
                          function->at("name").is_string();
    if (!has_name) return fail(Code::kInvalidArgument, "{}: wanted a function with a name", where);
    if (choice.kind == ToolChoice::Kind::kNamed && function->at("name") != choice.name) continue;
    DB_ASSIGN(const Fragment call, tool_call(*function, where, limits, builder));
    calls.push_back(call);
  }
  if (calls.empty()) return fail(Code::kInvalidArgument, "{}: wanted a tool to call, found none", field);
  const bool is_auto = choice.kind == ToolChoice::Kind::kAuto, is_named = choice.kind == ToolChoice::Kind::kNamed;
  Fragment answer = builder.repeat(builder.choice(calls), is_auto ? 0 : 1, is_named ? 1 : kUnbounded);
  if (is_auto) {
    DB_ASSIGN(const Fragment text, free_text(limits, builder));
    answer = builder.sequence({text, answer});
  }
  const int32_t root = builder.add_rule("answer");
  builder.define(root, answer);
  return make_grammar(std::move(vocabulary), builder, root, field, limits);
}

}  // namespace drawbridge
