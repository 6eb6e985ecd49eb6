#include "convert/convert.h"

#include <map>

#include "base/durable.h"
#include "base/staged_directory.h"
#include "checkpoint/sharded_writer.h"
#include "convert/gguf_config.h"
#include "convert/gguf_tokenizer.h"
#include "convert/import_plan.h"

namespace drawbridge {
namespace {

Result<GgufShape> shape_of(const GgufFile& file) {
  const GgufTensor* embedding = file.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    return fail(Code::kNotFound, "{}: tensor token_embd.weight: wanted [vocabulary, width], found {}", file.path(),
                embedding == nullptr ? "none" : describe_gguf_tensor(*embedding));
  }
  GgufShape shape;
  shape.vocab = embedding->shape[0];
  shape.tied_embeddings = file.find("output.weight") == nullptr;
  if (embedding->type == GgmlType::kF16) shape.dtype = DType::kF16;
  return shape;
}

Status write_weights(const ImportPlan& plan, const ImportOptions& options, const StagedDirectory& staged,
                     const ConvertProgress& progress) {
  std::vector<TensorGroup> groups;
  std::map<std::string_view, const TensorWriter*> writers;
  int64_t total = 0, done = 0;
  for (const ImportedMatrix& matrix : plan.matrices) {
    TensorGroup& group = groups.emplace_back();
    for (const ImportedTensor& tensor : matrix) {
      group.push_back(tensor.spec);
      writers[tensor.spec.name] = &tensor.write;
      total += tensor.spec.bytes();
    }
  }
  DB_TRY(check_room(staged.path(), total));
  const auto shards = cut_shards(groups, options.shard_bytes);
  ShardedWriter out(staged.path(), shards);
  const ByteSink sink = [&](std::span<const std::byte> piece) {
    done += static_cast<int64_t>(piece.size());
    if (progress) progress(done, total);
    return out.append(piece);
  };
  for (const auto& shard : shards) {
    for (const TensorSpec& spec : shard) DB_TRY((*writers[spec.name])(sink));
  }
  return out.finish();
}

/// The small files; `config` gets the end tokens.
Status write_texts(const GgufFile& file, const ImportPlan& plan, Json& config, const StagedDirectory& staged,
                   std::vector<std::string>& notices) {
  const GgufKeys& keys = file.keys();
  DB_ASSIGN(const std::string tokenizer, tokenizer_json_from_gguf(keys));
  DB_TRY(staged.write_text("tokenizer.json", tokenizer));
  DB_ASSIGN(const auto eos, eos_from_gguf(keys, config["vocab_size"].get<int64_t>()));
  Json generation = {{"temperature", 1.0}, {"top_p", 0.95}};
  if (eos.empty()) {
    notices.push_back("no key tokenizer.ggml.eos_token_id, eot_token_id or eom_token_id: no token ends a text");
  } else {
    config["eos_token_id"] = eos;
    generation["eos_token_id"] = eos;
  }
  DB_TRY(staged.write_text("generation_config.json", pretty_json(generation)));
  constexpr const char* kTemplate = "tokenizer.chat_template";
  if (keys.has(kTemplate)) {
    DB_ASSIGN(const std::string text, keys.text(kTemplate));
    DB_TRY(staged.write_text("chat_template.jinja", text));
  } else {
    notices.push_back(fmt::format("no key {}: no chat_template.jinja is written", kTemplate));
  }
  Json quantization = quantization_config_json(plan.modules, config["num_hidden_layers"].get<int64_t>());
  if (!quantization.is_null()) config["quantization_config"] = std::move(quantization);
  return staged.write_text("config.json", pretty_json(config));
}

}  // namespace

Result<std::vector<std::string>> import_gguf(const ImportOptions& options, const ConvertProgress& progress) {
  DB_ASSIGN(const GgufFile file, GgufFile::open(options.source));
  DB_ASSIGN(const GgufShape shape, shape_of(file));
  DB_ASSIGN(Json json, config_from_gguf(file.keys(), shape));
  DB_ASSIGN(const Glm52Config config, parse_glm52_config(json, options.source));
  DB_ASSIGN(const ImportPlan plan, plan_import(file, config));
  std::vector<std::string> notices = plan.notices;
  DB_ASSIGN(StagedDirectory staged, StagedDirectory::create(options.target));
  DB_TRY(write_texts(file, plan, json, staged, notices));
  DB_TRY(write_weights(plan, options, staged, progress));
  DB_TRY(staged.commit());
  return notices;
}

}  // namespace drawbridge
