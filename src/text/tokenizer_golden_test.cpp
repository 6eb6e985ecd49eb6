// Ids equal to HF tokenizers on the strings of tests/reference/text/make_tokenizer_golden.py; decoding and streaming
// give the text back.
#include <sstream>

#include "text/detokenizer.h"
#include "text/test_files.h"
#include "text/utf8.h"

namespace drawbridge {
namespace {

std::string unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    out += static_cast<char>(std::stoi(text.substr(i + 2, 2), nullptr, 16));
    i += 3;
  }
  return out;
}

std::string show_ids(const std::vector<int32_t>& ids) {
  std::string out;
  if (ids.size() <= 64) {
    for (int32_t id : ids) out += (out.empty() ? "" : " ") + std::to_string(id);
    return out;
  }
  uint64_t hash = 0xcbf29ce484222325u;
  for (int32_t id : ids) {
    for (int shift = 0; shift < 32; shift += 8)
      hash = (hash ^ ((static_cast<uint32_t>(id) >> shift) & 0xff)) * 0x100000001b3u;
  }
  return "#" + std::to_string(ids.size()) + " " + std::to_string(hash);
}

void check_golden(const Tokenizer& tokenizer, const std::string& golden) {
  std::istringstream lines(read_test_file(golden));
  size_t n_lines = 0;
  int n_wrong = 0;
  for (std::string line; std::getline(lines, line) && n_wrong < 10; ++n_lines) {
    const size_t tab = line.find('\t', 2);
    const std::string escaped = line.substr(2, tab - 2);
    const std::string text = unescape(escaped);
    const auto ids = tokenizer.encode(text, {.parse_special = line[0] == 's'});
    ASSERT_TRUE(ids.ok()) << ids.status().message();
    const bool same = show_ids(*ids) == line.substr(tab + 1);
    EXPECT_TRUE(same) << line.substr(0, 400) << "\nfound " << show_ids(*ids);
    n_wrong += same ? 0 : 1;

    const std::string decoded = tokenizer.decode(*ids, false);
    ASSERT_EQ(decoded, replace_invalid_utf8(text)) << escaped.substr(0, 400);
    Detokenizer stream(tokenizer, false);
    std::string streamed;
    for (int32_t id : *ids) {
      const std::string part = stream.push(id);
      ASSERT_EQ(replace_invalid_utf8(part), part);
      streamed += part;
    }
    ASSERT_EQ(streamed + stream.finish(), decoded);
  }
  EXPECT_GE(n_lines, 10000u);
}

TEST(TokenizerGolden, Glm46EqualsHuggingFace) {
  check_golden(glm46_tokenizer(), "glm-4.6.golden.txt.gz");
}

TEST(TokenizerGolden, BundledModelEqualsHuggingFace) {
  const auto tokenizer = Tokenizer::load(DB_SOURCE_DIR "/models/glm52-nano/tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  check_golden(*tokenizer, "glm52-nano.golden.txt.gz");
}

}  // namespace
}  // namespace drawbridge
