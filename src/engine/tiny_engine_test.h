// A whole engine for tests: a tiny random model whose tokens are the 256 bytes, id 0 ending a text.
#pragma once

#include <fstream>
#include <memory>
#include <string>

#include "base/json.h"
#include "base/mapped_file.h"
#include "engine/engine.h"
#include "model/random_checkpoint_test.h"

namespace drawbridge {

/// A tokenizer whose 256 tokens are the 256 bytes.
inline std::string byte_tokenizer_json() {
  Json vocab = Json::object();
  int unprintable = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    const int point = plain ? byte : unprintable++;
    std::string text;
    if (point < 128) {
      text += static_cast<char>(point);
    } else {
      text += static_cast<char>(0xc0 | (point >> 6));
      text += static_cast<char>(0x80 | (point & 0x3f));
    }
    vocab[text] = byte;
  }
  const Json split = {{"type", "Split"},
                      {"pattern", {{"Regex", "\\p{L}+|\\s+|[^\\s\\p{L}]+"}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  const Json root = {
      {"version", "1.0"},      {"added_tokens", Json::array()},
      {"normalizer", nullptr}, {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {split, bytes}}}},
      {"decoder", bytes},      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", Json::array()}}}};
  return dump_json(root);
}

/// Directory of the tiny model, written once.
inline std::string tiny_model() {
  static const std::string dir = [] {
    const std::string made = process_directory("tiny_model");
    const std::string source = std::string(DB_SOURCE_DIR) + "/tests/golden/model/shared_indexer/config.json";
    Json config = parse_json(read_text_file(source, 1 << 20).value(), source).value();
    config["vocab_size"] = 256;
    config["max_position_embeddings"] = 4096;
    config["eos_token_id"] = Json::array({0u});
    DB_CHECK(write_random_checkpoint(parse_glm52_config(config, source).value(), made, [](const std::string& n) {
               return n;
             }).ok());
    std::ofstream(made + "/config.json") << dump_json(config);
    std::ofstream(made + "/tokenizer.json") << byte_tokenizer_json();
    return made;
  }();
  return dir;
}

inline EngineOptions tiny_options() {
  EngineOptions options;
  options.model = tiny_model();
  options.max_context = 200;
  return options;
}

inline std::unique_ptr<Engine> start_engine(const EngineOptions& options) {
  auto engine = make_engine(options);
  DB_CHECK(engine.ok());
  return std::move(engine).value();
}

}  // namespace drawbridge
