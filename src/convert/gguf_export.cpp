#include <filesystem>

#include "base/durable.h"
#include "base/staged_file.h"
#include "convert/convert.h"
#include "convert/gguf_config.h"
#include "convert/gguf_tokenizer.h"
#include "model/generation_config.h"
#include "model/inventory.h"
#include "model/kv_scales.h"
#include "model/tensor_names.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxTokenizerBytes = 256u << 20;

void append(GgufKeyList& keys, GgufKeyList more) {
  keys.insert(keys.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

/// tokenizer.ggml.* and the chat template.
Result<GgufKeyList> text_keys(const std::string& directory, const Glm52Config& config,
                              std::vector<std::string>& notices) {
  const std::string path = directory + "/tokenizer.json";
  DB_ASSIGN(const std::string text, read_text_file(path, kMaxTokenizerBytes));
  DB_ASSIGN(const TokenizerSpec spec, parse_tokenizer_json(text, path));
  DB_ASSIGN(const GenerationConfig generation, load_generation_config(directory, config.vocab));
  const std::vector<int32_t> eos = generation.eos.value_or(config.eos);
  constexpr size_t kMaxEos = 3;
  if (eos.size() > kMaxEos) {
    notices.push_back(fmt::format("{} end tokens: GGUF has keys for the first {}", eos.size(), kMaxEos));
  }
  DB_ASSIGN(GgufKeyList keys, gguf_from_tokenizer(spec, eos, config.vocab, path));
  const std::string template_path = directory + "/chat_template.jinja";
  std::error_code ignored;
  if (fs::exists(template_path, ignored)) {
    DB_ASSIGN(std::string chat_template, read_text_file(template_path, 1u << 20));
    keys.emplace_back("tokenizer.chat_template", std::move(chat_template));
  } else {
    notices.push_back(template_path + ": absent, so the file has no chat template");
  }
  return keys;
}

Result<GgufKeyList> all_keys(const std::string& directory, const Glm52Config& config,
                             std::vector<std::string>& notices) {
  const std::string name = fs::weakly_canonical(directory).filename().string();
  GgufKeyList keys = {{"general.architecture", std::string("glm-dsa")},
                      {"general.type", std::string("model")},
                      {"general.name", name.empty() ? std::string("model") : name},
                      {"general.quantization_version", int64_t{2}}};
  DB_ASSIGN(GgufKeyList architecture, gguf_from_config(config, directory + "/config.json"));
  append(keys, std::move(architecture));
  DB_ASSIGN(GgufKeyList texts, text_keys(directory, config, notices));
  append(keys, std::move(texts));
  return keys;
}

/// What inspect would say; anything missing or faulty is refused before a byte is written.
Status check_complete(const Inventory& inventory, const std::string& directory) {
  if (!inventory.faults.empty()) return fail(Code::kCorrupt, "{}", inventory.faults[0]);
  if (inventory.missing.empty()) return Status();
  return fail(Code::kNotFound, "{}: wanted tensor {}, found none ({} missing in all)", directory, inventory.missing[0],
              inventory.missing.size());
}

Status write_file(const std::string& path, const GgufKeyList& keys, const ExportPlan& plan,
                  const ConvertProgress& progress) {
  std::vector<GgufSpec> specs;
  int64_t total = 0, done = 0;
  for (const ExportedTensor& tensor : plan.tensors) {
    specs.push_back(tensor.spec);
    total += tensor.spec.bytes();
  }
  DB_TRY(check_room(parent_directory(path), total));
  DB_ASSIGN(GgufWriter out, GgufWriter::create(path, keys, specs));
  const ByteSink sink = [&](std::span<const std::byte> piece) {
    done += static_cast<int64_t>(piece.size());
    if (progress) progress(done, total);
    return out.append(piece);
  };
  for (const ExportedTensor& tensor : plan.tensors) DB_TRY(tensor.write(sink));
  return out.finish();
}

}  // namespace

Result<std::vector<std::string>> export_gguf(const ExportOptions& options, const ConvertProgress& progress) {
  DB_ASSIGN(Glm52Config config, load_glm52_config(options.source));
  DB_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(options.source));
  const Inventory inventory = take_inventory(config, checkpoint);
  DB_TRY(check_complete(inventory, options.source));
  std::vector<std::string> notices = inventory.notices;
  DB_ASSIGN(const auto kv_scales, find_kv_scales(config, checkpoint));
  if (kv_scales) notices.push_back("scales of an FP8 KV cache: not converted, GGUF has no tensors for them");
  // The inventory says so when a checkpoint lacks the MTP layer that its config names.
  if (!find_mtp_names(config, checkpoint)) config.n_mtp_layers = 0;
  DB_ASSIGN(const ExportPlan plan, plan_export(config, checkpoint, options.type));
  notices.insert(notices.end(), plan.notices.begin(), plan.notices.end());
  DB_ASSIGN(const GgufKeyList keys, all_keys(options.source, config, notices));
  DB_ASSIGN(StagedFile staged, StagedFile::create(options.target));
  DB_TRY(write_file(staged.path(), keys, plan, progress));
  DB_TRY(staged.commit());
  return notices;
}

}  // namespace drawbridge
