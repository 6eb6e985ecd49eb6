// The runner itself, against a server whose answers are known: what is right passes, and what is wrong fails with
// its line, what was wanted and what was found.
#include "api/play.h"

#include <gtest/gtest.h>

#include "http/server.h"
#include "http/sse.h"

namespace drawbridge::api {
namespace {

constexpr std::string_view kBody =
    R"({"n": 3, "text": "a b", "list": [1, "x"], "null": null, "object": {"yes": true}})";

void answer(const std::shared_ptr<Exchange>& exchange) {
  const HttpRequest& request = exchange->request();
  if (request.path == "/stream" || request.path == "/cut") {
    HttpResponse head;
    head.content_type = "text/event-stream";
    exchange->start_stream(head);
    for (const char* data : {R"({"t":"Hel"})", R"({"t":"lo","u":null})"}) exchange->write(format_sse(data));
    if (request.path == "/stream") exchange->write(format_sse("[DONE]"));
    return exchange->end_stream();
  }
  HttpResponse response;
  response.status = request.path == "/missing" ? 404 : 200;
  response.body = request.method == "POST" ? request.body : std::string(kBody);
  response.headers.emplace_back("x-name", "some value");
  exchange->respond(std::move(response));
}

/// Plays one request with these lines below its `----`; the first of them stands in line 4 for a GET.
std::string failures_of(const std::string& checks, const std::string& request = "GET /") {
  static const auto kServer = HttpServer::start({}, answer);
  DB_CHECK(kServer.ok());
  const auto script = parse_script("# T\nrequest " + request + "\n----\nexpect status 200\n" + checks, "f.test");
  if (!script.ok()) return script.status().message();
  return describe(*script, play(*script, {"127.0.0.1", kServer.value()->port(), "/"}));
}

TEST(ApiRunner, PassesWhatIsRight) {
  for (const char* line : {"expect json /n == 3",
                           "expect json /n != 4",
                           "expect json /n < 3.5",
                           "expect json /n >= 3",
                           "expect json /n is integer",
                           "expect json /n is number",
                           "expect json /text is string",
                           "expect json /list is array",
                           "expect json /object is object",
                           "expect json /null is null",
                           "expect json /object/yes is boolean",
                           "expect json /text == \"a b\"",
                           "expect json /text matches ^a.b$",
                           "expect json /text contains \" \"",
                           "expect json /text size 3",
                           "expect json /list size 2",
                           "expect json /list contains \"x\"",
                           "expect json /list/1 == \"x\"",
                           "expect json /null exists",
                           "expect json /none absent",
                           "expect json /list/9 absent",
                           "expect json /list/x absent",
                           "expect json is object",
                           "expect header x-name == some value",
                           "expect header x-name contains me va",
                           "expect header x-other absent",
                           "expect header content-type matches json",
                           "expect body contains \"text\": \"a b\"",
                           "save n json /n\nexpect json /n == ${n}",
                           "save t json /text\nexpect body contains \"@{t}\""}) {
    EXPECT_EQ(failures_of(line), "") << line;
  }
  for (const char* line :
       {"expect event 0 /t == \"Hel\"", "expect event -1 /u is null", "expect event each /t is string",
        "expect event some /t == \"lo\"", "expect joined /t == \"Hello\"", "expect n_events == 2", "expect done",
        "expect event 2 /t absent"}) {
    EXPECT_EQ(failures_of(line, "GET /stream"), "") << line;
  }
}

TEST(ApiRunner, FailsWhatIsWrong) {
  for (const char* line : {"expect json /n == 4",
                           "expect json /n == \"3\"",
                           "expect json /n != 3",
                           "expect json /n < 3",
                           "expect json /n > 3",
                           "expect json /n is string",
                           "expect json /n matches 3",
                           "expect json /text matches ^b",
                           "expect json /text matches (",
                           "expect json /text contains \"c\"",
                           "expect json /text size 2",
                           "expect json /list size 3",
                           "expect json /list contains 2",
                           "expect json /none exists",
                           "expect json /none == null",
                           "expect json /none != 1",
                           "expect json /n absent",
                           "expect json /n == nonsense",
                           "expect json /text < 5",
                           "expect header x-name == other",
                           "expect header x-other exists",
                           "expect body contains nothing of it",
                           "expect event 0 exists",
                           "expect event each exists",
                           "expect event some exists",
                           "expect done",
                           "expect json /n == ${never_saved}",
                           "save x json /none"}) {
    EXPECT_NE(failures_of(line), "") << line;
  }
  for (const char* line : {"expect event 0 /t == \"lo\"", "expect event each /t == \"lo\"",
                           "expect event each /u exists", "expect event some /t == \"x\"",
                           "expect joined /t == \"Hel\"", "expect n_events == 3", "expect event 2 exists"}) {
    EXPECT_NE(failures_of(line, "GET /stream"), "") << line;
  }
  EXPECT_NE(failures_of("expect done", "GET /cut"), "");
  EXPECT_NE(failures_of("", "GET /missing"), "");
}

TEST(ApiRunner, SaysFileLineWantedAndFound) {
  EXPECT_EQ(failures_of("expect json /n == 4\n"), "f.test:5: wanted json /n == 4\n          found 3\n");
  EXPECT_EQ(failures_of("expect json /none == 4\n"), "f.test:5: wanted json /none == 4\n          found nothing\n");
}

TEST(ApiRunner, CarriesVariablesIntoLaterRequests) {
  const std::string checks =
      "save n json /n\nsave t json /text\n\n"
      "request POST /\n{\"sent\": ${n}, \"as\": ${t}, \"long\": \"${repeat \"ab\" 3}\"}\n----\n"
      "expect status 200\nexpect json /sent == 3\nexpect json /as == \"a b\"\nexpect json /long == \"ababab\"\n";
  EXPECT_EQ(failures_of(checks), "");
}

TEST(ApiRunner, ReportsAServerThatIsGone) {
  const auto script = parse_script("# T\nrequest GET /\n----\nexpect status 200\n", "f.test");
  ASSERT_TRUE(script.ok());
  const Outcome outcome = play(*script, {"127.0.0.1", 1, "/"});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].line, 2);
}

}  // namespace
}  // namespace drawbridge::api
