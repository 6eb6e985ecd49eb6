#include <gtest/gtest.h>

#include <sstream>

#include "base/rng.h"
#include "grammar/test_grammar.h"

namespace drawbridge {
namespace {

Result<SharedGrammar> compile(const std::string& schema) {
  return compile_json_schema(glm46_vocabulary(), *parse_json(schema, "schema"), "schema");
}

/// docs/structured_output.md lists the same.
bool is_known_refusal(const std::string& message) {
  for (const char* keyword : {"unevaluatedProperties", "unevaluatedItems", "contains", "minContains", "maxContains",
                              "if", "then", "else", "not", "dependentSchemas", "$id", "minProperties", "propertyNames",
                              "uniqueItems", "$dynamicRef", "$dynamicAnchor"}) {
    if (message.find(fmt::format("keyword '{}' cannot be enforced", keyword)) != std::string::npos) return true;
  }
  return message.find("wanted a dialect of json-schema.org") != std::string::npos ||
         message.find("may hold together, which cannot be enforced") != std::string::npos ||
         message.find("only references '#/...' are followed") != std::string::npos ||
         message.find("a Unicode property cannot be enforced") != std::string::npos;
}

/// Every group of the public suite is right in all of its cases, or refused by a keyword.
TEST(CompileJsonSchema, AgreesWithThePublicSuite) {
  std::istringstream lines(read_test_file("../grammar/json_schema_suite.jsonl.gz"));
  int n_groups = 0, n_supported = 0, n_cases = 0;
  for (std::string line; std::getline(lines, line); ++n_groups) {
    const auto group = parse_json(line, "suite");
    ASSERT_TRUE(group.ok()) << group.status().message();
    const std::string name = (*group)["group"];
    const auto grammar = compile_json_schema(glm46_vocabulary(), (*group)["schema"], "schema");
    if (!grammar.ok() && grammar.status().code() == Code::kUnsupported) {
      const std::string message = grammar.status().message();
      EXPECT_TRUE(is_known_refusal(message)) << name << ": " << message;
      continue;
    }
    ++n_supported;
    for (const Json& test : (*group)["tests"]) {
      ++n_cases;
      const bool admitted = grammar.ok() && admits(**grammar, test[1]);
      EXPECT_EQ(admitted, test[2].get<bool>())
          << name << ": " << test[0] << ": " << test[1] << " " << grammar.status().message();
    }
  }
  fmt::print("{} of {} groups supported, {} cases\n", n_supported, n_groups, n_cases);
  EXPECT_EQ(n_groups, 383);
  EXPECT_EQ(n_supported, 179);
  EXPECT_EQ(n_cases, 687);
}

/// An answer never gets stuck: wherever random tokens lead, some token or the end may follow.
TEST(CompileJsonSchema, NeverLeadsIntoADeadEnd) {
  std::istringstream lines(read_test_file("../grammar/json_schema_suite.jsonl.gz"));
  uint64_t n_drawn = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto group = parse_json(line, "suite");
    const auto grammar = compile_json_schema(glm46_vocabulary(), (*group)["schema"], "schema");
    if (!grammar.ok()) continue;
    const auto constraint = (*grammar)->start();
    for (int n = 0; n < 30; ++n) {
      const auto mask = constraint->allowed();
      ASSERT_TRUE(mask.ok()) << mask.status().message();
      std::vector<int32_t> allowed;
      for (int32_t token = 0; token < glm46_vocabulary()->n_tokens(); ++token) {
        if (is_allowed(*mask, token)) allowed.push_back(token);
      }
      ASSERT_FALSE(allowed.empty()) << (*group)["group"] << " after " << n << " tokens";
      const int32_t token = allowed[static_cast<size_t>(bits_at(20261125, ++n_drawn) % allowed.size())];
      ASSERT_TRUE(constraint->accept(token).ok());
      if (glm46_vocabulary()->is_end(token)) break;
    }
  }
}

TEST(CompileJsonSchema, MembersMayStandInAnyOrderWithASpaceAfterMarks) {
  const auto grammar = compile(
      R"({"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}, "next": {"anyOf": [{"type": "null"},
          {"$ref": "#"}]}}, "required": ["a", "next"], "additionalProperties": false})");
  ASSERT_TRUE(grammar.ok()) << grammar.status().message();
  EXPECT_TRUE(admits(**grammar, R"({"a":3,"next":null})"));
  EXPECT_TRUE(admits(**grammar, R"({"next": {"next":null, "a": 40},"a":12})"));
  for (const char* wrong :
       {R"({"a":2,"next":null})", R"({"a":3})", R"({"a":3,"a":3,"next":null})", R"({"a" :3,"next":null})",
        R"({"a":3,"next":{"a":4}})", R"({"a":3,"next":null,"b":1})", "3"}) {
    EXPECT_FALSE(admits(**grammar, wrong)) << wrong;
  }
}

TEST(CompileJsonSchema, NamesWhatCannotBeEnforcedAndWhere) {
  const auto status = compile(R"({"properties": {"a/b": {"uniqueItems": true}}})").status();
  EXPECT_EQ(status.code(), Code::kUnsupported);
  EXPECT_EQ(status.message(), "schema/properties/a~1b/uniqueItems: keyword 'uniqueItems' cannot be enforced");
  EXPECT_EQ(compile(R"({"$ref": "#"})").status().code(), Code::kUnsupported);
  EXPECT_EQ(compile(R"({"required": ["a"], "properties": {"a": {"$ref": "#"}}, "type": "object"})").status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(compile(R"({"type": "integer", "minimum": 3, "maximum": 2})").status().code(), Code::kInvalidArgument);
}

TEST(CompileJsonSchema, OneOfIsDecidedByAConstantMember) {
  const auto grammar = compile(
      R"({"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "integer"}}, "required": ["kind"]},
          {"type": "object", "properties": {"kind": {"enum": ["b", "c"]}, "x": {"type": "null"}}, "required": ["kind"]}]})");
  ASSERT_TRUE(grammar.ok()) << grammar.status().message();
  EXPECT_TRUE(admits(**grammar, R"({"kind":"a","x":1})"));
  EXPECT_TRUE(admits(**grammar, R"({"x":null,"kind":"c"})"));
  EXPECT_FALSE(admits(**grammar, R"({"x":null,"kind":"a"})"));
  EXPECT_EQ(compile(R"({"oneOf": [{"type": "integer"}, {"minimum": 2}]})").status().code(), Code::kUnsupported);
}

TEST(CompileJsonObject, IsAnyObject) {
  const auto grammar = compile_json_object(glm46_vocabulary(), "response_format");
  ASSERT_TRUE(grammar.ok()) << grammar.status().message();
  EXPECT_TRUE(admits(**grammar, R"({"a": [1, -2.5e+3, {"ключ": "\n\"", "b": {}}], "": null})"));
  EXPECT_FALSE(admits(**grammar, "[1]"));
  EXPECT_FALSE(admits(**grammar, R"({"a":01})"));
}

TEST(CompileToolCalls, ConstrainsNamesAndArguments) {
  const auto tools = parse_json(R"([{"type": "function", "function": {"name": "now"}}, {"type": "function", "function":
      {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days":
      {"type": "integer", "minimum": 1}, "tags": {"type": "array", "items": {"type": "string"}}}, "required": ["city"]}}}])",
                                "tools");
  const auto compile_for = [&](const ToolChoice& choice) {
    auto grammar = compile_tool_calls(glm46_vocabulary(), *tools, choice, "tools");
    EXPECT_TRUE(grammar.ok()) << grammar.status().message();
    return *grammar;
  };
  const std::string city = "<arg_key>city</arg_key><arg_value>\"Bonn\" <b></arg_value>";
  const std::string days = "<arg_key>days</arg_key><arg_value>3</arg_value>";
  const std::string tags = R"(<arg_key>tags</arg_key><arg_value>["a<b", "c"]</arg_value>)";
  const std::string now = "<tool_call>now</tool_call>",
                    weather = "<tool_call>weather" + days + city + tags + "</tool_call>";
  const auto required = compile_for({ToolChoice::Kind::kRequired});
  EXPECT_TRUE(admits(*required, now + weather));
  for (const std::string& wrong :
       {std::string("hello"), std::string(), "hi" + now, "<tool_call>weather" + days + "</tool_call>",
        "<tool_call>now" + city + "</tool_call>", "<tool_call>weather" + city + city + "</tool_call>",
        std::string("<tool_call>later</tool_call>"),
        std::string(R"(<tool_call>weather<arg_key>city</arg_key><arg_value>a</arg_value></arg_value></tool_call>)")}) {
    EXPECT_FALSE(admits(*required, wrong)) << wrong;
  }
  const auto named = compile_for({ToolChoice::Kind::kNamed, "weather"});
  EXPECT_TRUE(admits(*named, weather));
  EXPECT_FALSE(admits(*named, now));
  EXPECT_FALSE(admits(*named, weather + weather));
  const auto automatic = compile_for({ToolChoice::Kind::kAuto});
  EXPECT_TRUE(admits(*automatic, "hello <b>"));
  EXPECT_TRUE(admits(*automatic, "hello " + now));
  EXPECT_FALSE(admits(*automatic, "hello <tool_call>later"));
  EXPECT_EQ(compile_tool_calls(glm46_vocabulary(), *tools, {ToolChoice::Kind::kNamed, "no"}, "tools").status().code(),
            Code::kInvalidArgument);
}

TEST(CompileToolCalls, RefusesNamesThatCouldEndTheirTags) {
  const auto refused = [](const char* tools) {
    const auto parsed = parse_json(tools, "tools");
    EXPECT_TRUE(parsed.ok());
    return compile_tool_calls(glm46_vocabulary(), *parsed, {}, "tools").status().message();
  };
  EXPECT_EQ(refused(R"([{"type": "function", "function": {"name": "a</tool_call>"}}])"),
            "tools/0/function/name: wanted a name without '<', found 'a</tool_call>'");
  EXPECT_EQ(refused(R"([{"type": "function", "function": {"name": "a", "parameters":
                    {"type": "object", "properties": {"x<": {"type": "string"}}}}}])"),
            "tools/0/function/parameters/properties: wanted a name without '<', found 'x<'");
  EXPECT_EQ(refused(R"({"type": "function"})"), "tools: wanted an array, found object");
}

}  // namespace
}  // namespace drawbridge
