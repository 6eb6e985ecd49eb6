#include "convert/gguf_tokenizer.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "text/byte_alphabet.h"

namespace drawbridge {
namespace {

/// llama.cpp's name of it is glm4: GLM-4.5 and later split by it.
constexpr std::string_view kGlmSplit =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// llama.cpp's token types.
constexpr int64_t kNormal = 1;
constexpr int64_t kControl = 3;
constexpr int64_t kUserDefined = 4;
constexpr int64_t kUnused = 5;

constexpr std::array<const char*, 3> kEosKeys = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                                 "tokenizer.ggml.eom_token_id"};

Status want_text(const GgufKeys& keys, const char* key, std::initializer_list<std::string_view> known) {
  DB_ASSIGN(const std::string found, keys.text(key));
  if (std::find(known.begin(), known.end(), found) != known.end()) return Status();
  return fail(Code::kUnsupported, "{}: key {}: wanted '{}', found '{}'", keys.source(), key, *known.begin(), found);
}

std::string quoted(const std::string& text) {
  return dump_json(Json(text));
}

/// "a b" as ["a", "b"]. The parts hold no space: the byte alphabet writes it as another character.
Result<std::string> merge_pair(const GgufKeys& keys, const std::string& merge, size_t index) {
  const size_t space = merge.find(' ');
  if (space != std::string::npos && space > 0 && space + 1 < merge.size()) {
    return fmt::format("[{}, {}]", quoted(merge.substr(0, space)), quoted(merge.substr(space + 1)));
  }
  return fail(Code::kCorrupt, "{}: key tokenizer.ggml.merges: entry {}: wanted two tokens, found '{}'", keys.source(),
              index, merge);
}

/// The lists of tokenizer.json, as text: a tree of hundreds of thousands of keys would be slow to build.
struct TokenTexts {
  std::string vocab;
  std::string added;
};

void append_entry(std::string& list, const std::string& entry) {
  list += list.empty() ? "\n    " : ",\n    ";
  list += entry;
}

Result<TokenTexts> split_tokens(const GgufKeys& keys) {
  DB_ASSIGN(const auto* tokens, keys.texts("tokenizer.ggml.tokens"));
  DB_ASSIGN(const auto types, keys.integers("tokenizer.ggml.token_type"));
  if (tokens->size() != types.size()) {
    return fail(Code::kCorrupt,
                "{}: wanted as many tokenizer.ggml.token_type as tokenizer.ggml.tokens, found {} and {}", keys.source(),
                types.size(), tokens->size());
  }
  TokenTexts texts;
  std::unordered_set<std::string_view> seen;
  for (size_t id = 0; id < tokens->size(); ++id) {
    const std::string& token = (*tokens)[id];
    const int64_t type = types[id];
    if (type == kUnused) continue;
    if (token.empty() || !seen.insert(token).second) {
      return fail(Code::kCorrupt, "{}: key tokenizer.ggml.tokens: entry {}: '{}' is empty or stands there twice",
                  keys.source(), id, token);
    }
    if (type == kNormal) {
      append_entry(texts.vocab, fmt::format("{}: {}", quoted(token), id));
    } else if (type == kControl || type == kUserDefined) {
      append_entry(texts.added,
                   fmt::format(R"({{"id": {}, "content": {}, "single_word": false, "lstrip": false, "rstrip": false, )"
                               R"("normalized": false, "special": {}}})",
                               id, quoted(token), type == kControl));
    } else {
      return fail(
          Code::kUnsupported,
          "{}: key tokenizer.ggml.token_type: entry {} ('{}'): wanted 1 (normal), 3 (control), 4 (user-defined) "
          "or 5 (unused), found {}",
          keys.source(), id, token, type);
    }
  }
  return texts;
}

int64_t token_type(const TokenizerSpec& spec, size_t id, const std::vector<const AddedToken*>& added) {
  if (added[id] != nullptr) return added[id]->special ? kControl : kUserDefined;
  return spec.token_bytes[id].empty() ? kUnused : kNormal;
}

}  // namespace

Result<std::string> tokenizer_json_from_gguf(const GgufKeys& keys) {
  DB_TRY(want_text(keys, "tokenizer.ggml.model", {"gpt2"}));
  DB_TRY(want_text(keys, "tokenizer.ggml.pre", {"glm4", "chatglm-bpe"}));
  DB_ASSIGN(const TokenTexts texts, split_tokens(keys));
  DB_ASSIGN(const auto* merges, keys.texts("tokenizer.ggml.merges"));
  std::string merge_text;
  for (size_t i = 0; i < merges->size(); ++i) {
    DB_ASSIGN(const std::string pair, merge_pair(keys, (*merges)[i], i));
    append_entry(merge_text, pair);
  }
  const Json split = {
      {"type", "Split"}, {"pattern", {{"Regex", kGlmSplit}}}, {"behavior", "Isolated"}, {"invert", false}};
  const Json byte_level = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const Json pre = {{"type", "Sequence"}, {"pretokenizers", {split, byte_level}}};
  const Json decoder = {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}};
  // GLM's own files say ignore_merges; GGUF does not.
  const std::string text = fmt::format(
      "{{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n  \"added_tokens\": [{}],\n"
      "  \"normalizer\": null,\n  \"pre_tokenizer\": {},\n  \"post_processor\": null,\n  \"decoder\": {},\n"
      "  \"model\": {{\n  \"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, \"byte_fallback\": false,\n"
      "  \"ignore_merges\": true,\n  \"vocab\": {{{}}},\n  \"merges\": [{}]}}\n}}\n",
      texts.added, dump_json(pre), dump_json(decoder), texts.vocab, merge_text);
  DB_TRY(parse_tokenizer_json(text, keys.source() + ": tokenizer").status());
  return text;
}

Result<std::vector<int64_t>> eos_from_gguf(const GgufKeys& keys, int64_t vocab) {
  std::vector<int64_t> ids;
  for (const char* key : kEosKeys) {
    if (!keys.has(key)) continue;
    DB_ASSIGN(const int64_t id, keys.integer(key, 0, vocab - 1));
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

Result<GgufKeyList> gguf_from_tokenizer(const TokenizerSpec& spec, const std::vector<int32_t>& eos, int64_t vocab,
                                        const std::string& source) {
  if (spec.split_patterns != std::vector<std::string>{std::string(kGlmSplit)}) {
    return fail(Code::kUnsupported,
                "{}: pre_tokenizer: wanted GLM's split regex alone, the only one of which we know "
                "llama.cpp's name",
                source);
  }
  if (static_cast<int64_t>(spec.token_bytes.size()) > vocab) {
    return fail(Code::kInvalidArgument, "{}: wanted at most {} tokens, the rows of the embedding, found {}", source,
                vocab, spec.token_bytes.size());
  }
  std::vector<const AddedToken*> added(spec.token_bytes.size());
  for (const AddedToken& token : spec.added) added[static_cast<size_t>(token.id)] = &token;
  std::vector<std::string> tokens;
  std::vector<int64_t> types;
  for (size_t id = 0; id < static_cast<size_t>(vocab); ++id) {
    const int64_t type = id < added.size() ? token_type(spec, id, added) : kUnused;
    types.push_back(type);
    if (type == kUnused) {
      tokens.push_back(fmt::format("[PAD{}]", id));
    } else {
      tokens.push_back(type == kNormal ? bytes_to_token(spec.token_bytes[id]) : added[id]->content);
    }
  }
  std::vector<std::string> merges;
  for (const BpeMerge& merge : spec.merges) {
    merges.push_back(tokens[static_cast<size_t>(merge.left)] + " " + tokens[static_cast<size_t>(merge.right)]);
  }
  GgufKeyList keys = {{"tokenizer.ggml.model", std::string("gpt2")}, {"tokenizer.ggml.pre", std::string("glm4")},
                      {"tokenizer.ggml.tokens", std::move(tokens)},  {"tokenizer.ggml.token_type", std::move(types)},
                      {"tokenizer.ggml.merges", std::move(merges)},  {"tokenizer.ggml.add_bos_token", false}};
  for (size_t i = 0; i < std::min(eos.size(), kEosKeys.size()); ++i) keys.emplace_back(kEosKeys[i], int64_t{eos[i]});
  return keys;
}

}  // namespace drawbridge
