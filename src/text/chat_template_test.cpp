// The prompt equals what Jinja makes of the real templates, byte for byte, and bad input is refused by name.
#include "text/chat_template.h"

#include <sstream>

#include "text/python_json.h"
#include "text/test_files.h"

namespace drawbridge {
namespace {

Json json(const std::string& text) {
  auto parsed = parse_json(text, "test");
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return std::move(parsed).value();
}

std::string render(const std::string& messages, const ChatOptions& options = {}) {
  const auto text = render_glm_chat(json(messages), options);
  return text.ok() ? *text : "error: " + text.status().message();
}

ChatOptions options_of(const Json& given) {
  ChatOptions options;
  options.tools = given.value("tools", Json());
  options.enable_thinking = given.value("enable_thinking", true);
  options.clear_thinking = given.value("clear_thinking", true);
  options.reasoning_effort = given.value("reasoning_effort", "");
  options.add_generation_prompt = given.value("add_generation_prompt", false);
  return options;
}

TEST(ChatTemplate, EqualsJinjaOnRandomConversations) {
  std::istringstream lines(read_test_file("chat.golden.jsonl.gz"));
  int n = 0;
  for (std::string line; std::getline(lines, line); ++n) {
    const Json golden = json(line);
    ChatOptions options = options_of(golden["options"]);
    if (golden["template"] != "GLM-5.2") options.chat_template = ChatTemplate::kGlm52ImageTokens;
    const auto text = render_glm_chat(golden["messages"], options);
    ASSERT_TRUE(text.ok()) << text.status().message() << "\n" << line;
    ASSERT_EQ(*text, golden["text"].get<std::string>()) << line;
  }
  EXPECT_GE(n, 600);
}

constexpr const char* kHi = R"([{"role":"user","content":"Hi"}])";
constexpr const char* kSystem = R"([{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}])";
constexpr const char* kTurns = R"([{"role":"user","content":"Hi"},
  {"role":"assistant","content":" Hello! ","reasoning_content":"greet"},{"role":"user","content":"Bye"}])";

TEST(ChatTemplate, RendersTheOfficialExamples) {
  EXPECT_EQ(render(kHi), "[gMASK]<sop><|system|>Reasoning Effort: Max<|user|>Hi<|assistant|><think>");
  EXPECT_EQ(render(kHi, {.tools = Json::array()}), render(kHi));
  EXPECT_EQ(render(kHi, {.reasoning_effort = "high"}),
            "[gMASK]<sop><|system|>Reasoning Effort: High<|user|>Hi<|assistant|><think>");
  EXPECT_EQ(render(kSystem, {.enable_thinking = false}),
            "[gMASK]<sop><|system|>Be brief.<|user|>Hi<|assistant|><think></think>");
  EXPECT_EQ(render(kSystem),
            "[gMASK]<sop><|system|>Reasoning Effort: Max<|system|>Be brief.<|user|>Hi<|assistant|><think>");
  const std::string head = "[gMASK]<sop><|system|>Reasoning Effort: Max<|user|>Hi<|assistant|>";
  EXPECT_EQ(render(kTurns), head + "<think></think>Hello!<|user|>Bye<|assistant|><think>");
  EXPECT_EQ(render(kTurns, {.clear_thinking = false}),
            head + "<think>greet</think>Hello!<|user|>Bye<|assistant|><think>");
  EXPECT_EQ(render(R"([{"role":"user","content":"Hi"},
                       {"role":"assistant","content":"<think>\ngreet\n</think>\nHello!"}])",
                   {.add_generation_prompt = false}),
            head + "<think>\ngreet\n</think>Hello!");
}

TEST(ChatTemplate, RendersToolLoops) {
  const std::string out = render(R"([{"role":"user","content":"W?"},
    {"role":"assistant","content":null,"reasoning_content":"need tool","tool_calls":[
      {"type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"北京\",\"days\":3}"}},
      {"type":"function","function":{"name":"now","arguments":{}}}]},
    {"role":"tool","content":"sunny"},{"role":"tool","content":"12:00"}])");
  EXPECT_EQ(out,
            "[gMASK]<sop><|system|>Reasoning Effort: Max<|user|>W?<|assistant|><think>need tool</think>"
            "<tool_call>get_weather<arg_key>city</arg_key><arg_value>北京</arg_value><arg_key>days</arg_key>"
            "<arg_value>3</arg_value></tool_call><tool_call>now</tool_call><|observation|><tool_response>sunny"
            "</tool_response><tool_response>12:00</tool_response><|assistant|><think>");
  const std::string loop = render(R"([{"role":"user","content":"q"},
    {"role":"assistant","content":"a","reasoning_content":"ra","tool_calls":[{"name":"f","arguments":{"ok":true,"l":[1,"a"]}}]},
    {"role":"assistant","content":"b","tool_calls":[{"name":"f","arguments":""}]}])");
  EXPECT_NE(loop.find("<arg_key>ok</arg_key><arg_value>true</arg_value><arg_key>l</arg_key><arg_value>[1, \"a\"]"),
            std::string::npos);
  EXPECT_NE(loop.find("<|assistant|><think></think>b<tool_call>f</tool_call>"), std::string::npos);
}

TEST(ChatTemplate, RefusesWhatItWouldRenderWrongly) {
  const auto refused = [](const std::string& messages) { return render(messages); };
  EXPECT_EQ(refused("{}"), "error: messages: wanted an array, found object");
  EXPECT_EQ(refused(R"([{"role":"developer","content":"x"}])"),
            "error: messages[0].role: wanted system, user, assistant or tool, found \"developer\"");
  EXPECT_EQ(refused(R"([{"role":"user","content":7}])"),
            "error: messages[0].content: wanted a string or an array of parts, found 7");
  EXPECT_NE(refused(R"([{"role":"user","content":[{"type":"file"}]}])").find("messages[0].content[0]: wanted"),
            std::string::npos);
  for (const char* arguments : {"\"[1]\"", "\"{\"", "null", "3"}) {
    const std::string out =
        refused(R"([{"role":"assistant","tool_calls":[{"name":"f","arguments":)" + std::string(arguments) + "}]}]");
    EXPECT_EQ(out.rfind("error: messages[0].tool_calls[0].function.arguments: ", 0), 0u) << out;
  }
  EXPECT_FALSE(render_glm_chat(json(kHi), {.tools = Json::array({1})}).ok());
}

TEST(ChatTemplate, KnowsTheTemplatesItReproduces) {
  const std::string official = read_test_file("GLM-5.2.jinja");
  EXPECT_EQ(*check_chat_template(official, "f"), ChatTemplate::kGlm52);
  EXPECT_EQ(*check_chat_template(official.substr(0, official.size() - 1), "f"), ChatTemplate::kGlm52);
  EXPECT_EQ(*check_chat_template(read_test_file("GLM-5.2-image-tokens.jinja"), "f"), ChatTemplate::kGlm52ImageTokens);
  const Status other = check_chat_template(official + " ", "dir/chat_template.jinja").status();
  EXPECT_EQ(other.code(), Code::kUnsupported);
  EXPECT_EQ(other.message().rfind("dir/chat_template.jinja: wanted", 0), 0u);
}

TEST(PythonJson, WritesFloatsAsReprDoes) {
  EXPECT_EQ(python_float(1e16), "1e+16");
  EXPECT_EQ(python_float(-1234.5), "-1234.5");
  EXPECT_EQ(python_float(1e-5), "1e-05");
  EXPECT_EQ(python_float(0.0), "0.0");
}

}  // namespace
}  // namespace drawbridge
