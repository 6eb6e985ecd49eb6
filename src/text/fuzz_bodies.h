// What the fuzzers of this folder do with one input; the tests run the same on the stored corpus.
#pragma once

#include <string>
#include <string_view>

#include "text/detokenizer.h"
#include "text/output_parser.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

namespace drawbridge {

/// Any bytes as tokenizer.json: an error, or a tokenizer that gives every text back.
inline void fuzz_tokenizer_json(std::string_view input) {
  const auto tokenizer = Tokenizer::parse(input, "fuzz");
  if (!tokenizer.ok()) {
    DB_CHECK(!tokenizer.status().message().empty());
    return;
  }
  // Part of the input is a text that its tokens may match.
  const std::string text = "Hi <think> 12\n\n \xff" + std::string(input.substr(0, 256));
  for (bool parse_special : {true, false}) {
    const auto ids = tokenizer->encode(text, {.parse_special = parse_special});
    if (!ids.ok()) continue;
    Detokenizer stream(*tokenizer, false);
    std::string streamed;
    for (int32_t id : *ids) {
      DB_CHECK(id >= 0 && id < tokenizer->vocab_size());
      streamed += stream.push(id);
    }
    streamed += stream.finish();
    DB_CHECK(streamed == tokenizer->decode(*ids, false));
  }
}

/// The first byte chooses options and where to cut: one push and two pushes give the same text of every kind.
inline void fuzz_output_parser(std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<unsigned char>(input[0]);
  const std::string_view text = input.substr(1);
  const size_t cut = text.size() * (choice >> 2) / 63;
  const auto parse = [&](size_t at) {
    OutputParser parser({.starts_in_reasoning = (choice & 1) != 0, .parse_tool_calls = (choice & 2) != 0});
    std::string texts[5];
    const auto add = [&texts](const std::vector<OutputEvent>& events) {
      for (const OutputEvent& event : events)
        texts[static_cast<size_t>(event.kind)] += event.text + (event.complete ? "" : "!");
    };
    add(parser.push(text.substr(0, at)));
    add(parser.push(text.substr(at)));
    add(parser.finish());
    std::string all;
    for (const std::string& one : texts) all += one + '\0';
    return all;
  };
  DB_CHECK(parse(cut) == parse(0));
}

}  // namespace drawbridge
