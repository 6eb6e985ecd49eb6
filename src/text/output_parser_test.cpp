// Reasoning, content and tool calls; typed arguments; and the property that cutting the text elsewhere changes nothing.
#include "text/output_parser.h"

#include <gtest/gtest.h>

#include <random>

#include "text/argument_value.h"
#include "text/chat_template.h"

namespace drawbridge {
namespace {

using Kind = OutputEvent::Kind;

Json json(const std::string& text) {
  auto parsed = parse_json(text, "test");
  EXPECT_TRUE(parsed.ok()) << text;
  return parsed.ok() ? *parsed : Json();
}

Json weather_tools() {
  return json(R"([{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{
    "city":{"type":"string"},"days":{"type":"integer"},"share":{"type":"number"},"opt":{"type":["string","null"]},
    "list":{"type":"array"},"any":{}}}}}])");
}

/// One line per run of like events: "R[..]", "C[..]", "call 0 name", "args 0 {..}", "end 0 ok".
void append(std::string& out, char& last, const std::vector<OutputEvent>& events) {
  for (const OutputEvent& event : events) {
    const std::string index = std::to_string(event.tool_index);
    const char kind = "RCSAE"[static_cast<int>(event.kind)];
    if (kind != last || kind == 'S' || kind == 'E') out += "\n" + std::string(1, kind) + index + ":";
    last = kind;
    out += kind == 'E' ? (event.complete ? "ok" : "broken") : event.text;
  }
}

std::string parse(const std::vector<std::string_view>& parts, bool thinking = true, bool calls = true) {
  OutputParser parser({.starts_in_reasoning = thinking, .parse_tool_calls = calls, .tools = weather_tools()});
  std::string out;
  char last = 0;
  for (std::string_view part : parts) append(out, last, parser.push(part));
  append(out, last, parser.finish());
  return out;
}

const std::vector<std::string>& samples() {
  static const std::vector<std::string> kSamples = {
      "think</think>Hello 北京 <b>",
      "no end of thought</thin",
      "plan <tool_call>get_weather<arg_key>city</arg_key><arg_value>A\"B\\\n</think> < </arg_valu </arg_value>"
      "<arg_key>days</arg_key><arg_value> 3 </arg_value></tool_call>",
      "x</think>text <tool_call>\nnow\n</tool_call>\n <tool_call>get_weather\n<arg_key>list</arg_key>\n"
      "<arg_value>[1, {\"a\": null}]</arg_value>\n</tool_call> \n",
      "</think>a<tool_call>f</tool_call> tail <tool_c",
      "</think><tool_call>get_weather<arg_key>city</arg_key><arg_value>Par",
      "</think><tool_call>get_weather<arg_key>days</arg_key><arg_value>12",
      "</think><tool_call>get_wea",
      "</think><tool_call></tool_call>z",
      "</think><tool_call>f<arg_key>k</tool_call><tool_call>g<arg_key>k</arg_key>junk<arg_value>1</arg_value></"
      "tool_call>",
      "</think><tool_call>f<tool_call>g<arg_key>a</arg_key></tool_call>",
      "</think><tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value><tool_call>g</tool_call>\n\n<tool_",
      "<<</think<</think></think>< <tool_call <tool_call>f</tool_call> ",
  };
  return kSamples;
}

TEST(OutputParser, SeparatesReasoningContentAndCalls) {
  EXPECT_EQ(parse({samples()[0]}), "\nR-1:think\nC-1:Hello 北京 <b>");
  EXPECT_EQ(parse({samples()[1]}), "\nR-1:no end of thought</thin");
  EXPECT_EQ(parse({samples()[2]}),
            "\nR-1:plan \nS0:get_weather\nA0:{\"city\": \"A\\\"B\\\\\\n</think> < </arg_valu \", \"days\": 3}\nE0:ok");
  EXPECT_EQ(parse({samples()[3]}),
            "\nR-1:x\nC-1:text \nS0:now\nA0:{}\nE0:ok\nS1:get_weather\nA1:{\"list\": [1, {\"a\": null}]}\nE1:ok");
  EXPECT_EQ(parse({samples()[4]}), "\nC-1:a\nS0:f\nA0:{}\nE0:ok\nC-1: tail <tool_c");
}

TEST(OutputParser, ShowsWhatTheModelLeftUnfinished) {
  EXPECT_EQ(parse({samples()[5]}), "\nS0:get_weather\nA0:{\"city\": \"Par\nE0:broken");
  EXPECT_EQ(parse({samples()[6]}), "\nS0:get_weather\nA0:{\"days\": \nE0:broken");
  EXPECT_EQ(parse({samples()[7]}), "\nC-1:<tool_call>get_wea");
  EXPECT_EQ(parse({samples()[8]}), "\nC-1:<tool_call></tool_call>z");
  EXPECT_EQ(parse({samples()[9]}), "\nS0:f\nA0:{}\nE0:broken\nS1:g\nA1:{\"k\": 1}\nE1:broken");
  EXPECT_EQ(parse({samples()[10]}), "\nS0:f\nA0:{}\nE0:broken\nS1:g\nA1:{}\nE1:broken");
}

TEST(OutputParser, SwitchesOffWhatWasNotAskedFor) {
  EXPECT_EQ(parse({"a</think><tool_call>f</tool_call>"}, false, false), "\nC-1:a</think><tool_call>f</tool_call>");
  EXPECT_EQ(parse({"a<tool_call>b</think>c"}, true, false), "\nR-1:a<tool_call>b\nC-1:c");
}

TEST(OutputParser, AnySplitGivesTheSameEvents) {
  std::mt19937 random(7);
  for (const std::string& text : samples()) {
    const std::string whole = parse({text});
    const std::string_view view = text;
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      ASSERT_EQ(parse({view.substr(0, cut), view.substr(cut)}), whole) << text << " cut at " << cut;
    }
    std::vector<std::string_view> bytes;
    for (size_t i = 0; i < text.size(); ++i) bytes.push_back(view.substr(i, 1));
    ASSERT_EQ(parse(bytes), whole) << text;
    for (int round = 0; round < 200; ++round) {
      std::vector<std::string_view> parts;
      for (size_t at = 0; at < text.size();) {
        const size_t n = 1 + random() % 9;
        parts.push_back(view.substr(at, n));
        at += n;
      }
      ASSERT_EQ(parse(parts), whole) << text;
    }
  }
}

TEST(OutputParser, RandomTagSoupIsTheSameAtEverySplit) {
  const std::vector<std::string> words = {"<tool_call>",  "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>",
                                          "</arg_value>", "</think>",     "<think>",   "<",          "get_weather",
                                          "city",         "days",         " ",         "\n",         "\xe5\x8c\x97",
                                          "</",           "\"",           "12",        "<tool_"};
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (size_t n = random() % 24; n > 0; --n) text += words[random() % words.size()];
    const std::string whole = parse({text});
    std::vector<std::string_view> bytes;
    for (size_t i = 0; i < text.size(); ++i) bytes.push_back(std::string_view(text).substr(i, 1));
    ASSERT_EQ(parse(bytes), whole) << text;
  }
}

TEST(OutputParser, ReadsBackWhatTheTemplateWrites) {
  const Json arguments = json(R"({"city":"北京 <b>\n","days":3,"share":0.5,"list":[1,"a"],"any":{"k":true}})");
  const Json messages =
      Json::array({{{"role", "assistant"},
                    {"content", ""},
                    {"tool_calls", Json::array({{{"name", "get_weather"}, {"arguments", arguments}}})}}});
  const auto prompt = render_glm_chat(messages, {.add_generation_prompt = false});
  ASSERT_TRUE(prompt.ok());
  OutputParser parser({.parse_tool_calls = true, .tools = weather_tools()});
  std::string read;
  auto events = parser.push(prompt->substr(prompt->find("<think>") + 7));
  for (const OutputEvent& event : events) read += event.kind == Kind::kToolArguments ? event.text : "";
  EXPECT_EQ(json(read), arguments);
  EXPECT_EQ(parser.n_tool_calls(), 1);
}

TEST(ArgumentValue, IsTypedBySchemaThenByText) {
  const auto typed = [](const std::string& raw, const std::string& schema) {
    return typed_value_json(raw, json(schema));
  };
  EXPECT_EQ(typed("12", R"({"type":"string"})"), "\"12\"");
  EXPECT_EQ(typed("12", "null"), "12");
  EXPECT_EQ(typed("123456789012345678901234567890", "{}"), "123456789012345678901234567890");
  EXPECT_EQ(typed("3.0", R"({"type":"integer"})"), "3");
  EXPECT_EQ(typed("\"3\"", R"({"type":"integer"})"), "3");
  EXPECT_EQ(typed("three", R"({"type":"integer"})"), "\"three\"");
  EXPECT_EQ(typed("True", R"({"type":"boolean"})"), "true");
  EXPECT_EQ(typed("{'a': [1, None,], 'b': 'it\\'s'}", R"({"type":"object"})"), R"({"a": [1, null], "b": "it's"})");
  EXPECT_EQ(typed(R"({\"a\": 1})", R"({"type":"object"})"), R"({"a": 1})");
  EXPECT_EQ(typed("null", R"({"type":["string","null"]})"), "null");
  EXPECT_EQ(typed("12", R"({"type":["string","null"]})"), "\"12\"");
  EXPECT_EQ(typed("12", R"({"anyOf":[{"type":"integer"},{"type":"string"}]})"), "12");
  EXPECT_EQ(typed(" plain text ", "{}"), "\" plain text \"");
  EXPECT_EQ(typed("1 2", "{}"), "\"1 2\"");
  EXPECT_EQ(typed(std::string(100000, '['), "{}").size(), 100002u);
}

}  // namespace
}  // namespace drawbridge
