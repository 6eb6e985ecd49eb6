// HuggingFace to GGUF and back: matrices equal bit for bit, the small files equal in meaning, and clear refusals.
#include "convert/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/matrix_source.h"
#include "convert/source_model_test.h"
#include "gguf/gguf_reader.h"
#include "model/generation_config.h"
#include "text/tokenizer_json.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class ConvertTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = process_directory(std::string("convert_") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::string at(const std::string& name) const { return dir_ + "/" + name; }

  /// `model` to GGUF and back.
  void round_trip(const SourceModel& model, int64_t shard_bytes = 1 << 30) {
    write_source(at("source"), model);
    const auto exported = export_gguf({at("source"), at("model.gguf")});
    ASSERT_TRUE(exported.ok()) << exported.status().message();
    notices_ = *exported;
    const auto imported = import_gguf({at("model.gguf"), at("back"), shard_bytes});
    ASSERT_TRUE(imported.ok()) << imported.status().message();
    EXPECT_THAT(*imported, ElementsAre());
  }

  std::string dir_;
  std::vector<std::string> notices_;
};

std::string bytes_of(const Tensor& tensor) {
  return std::string(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
}

/// Every tensor of `wanted` is in `found` with the same type, shape and bytes, and no other; `skip` says which names
/// are compared elsewhere.
template <typename Skip>
void expect_equal_tensors(const std::string& wanted, const std::string& found, Skip skip) {
  const auto a = Checkpoint::open(wanted), b = Checkpoint::open(found);
  ASSERT_TRUE(a.ok() && b.ok());
  size_t n_compared = 0;
  for (const auto& [name, tensor] : a->tensors()) {
    if (skip(name)) continue;
    const Tensor* other = b->find(name);
    ASSERT_NE(other, nullptr) << name;
    EXPECT_EQ(describe_tensor(tensor), describe_tensor(*other)) << name;
    EXPECT_TRUE(bytes_of(tensor) == bytes_of(*other)) << name;
    ++n_compared;
  }
  EXPECT_GT(n_compared, 50u);
  for (const auto& [name, tensor] : b->tensors()) EXPECT_TRUE(skip(name) || a->find(name) != nullptr) << name;
}

bool skip_none(const std::string&) {
  return false;
}

bool is_kv_b_name(const std::string& name) {
  return name.find("kv_b_proj") != std::string::npos;
}

/// kv_b_proj of every layer, decoded.
std::vector<float> kv_b_values(const std::string& directory) {
  const Glm52Config config = load_glm52_config(directory).value();
  const auto checkpoint = Checkpoint::open(directory);
  std::vector<float> values;
  for (int64_t layer = 0; layer < config.n_all_layers(); ++layer) {
    const auto matrix = find_matrix(*checkpoint, fmt::format("model.layers.{}.self_attn.kv_b_proj", layer),
                                    config.n_heads * (config.qk_nope + config.v_head), config.kv_lora);
    EXPECT_TRUE(matrix.ok());
    for (int64_t n = 0; n < matrix->n; ++n) {
      values.resize(values.size() + static_cast<size_t>(matrix->k));
      dequantize_row(*matrix, n, values.data() + values.size() - matrix->k);
    }
  }
  return values;
}

TEST_F(ConvertTest, Bf16ComesBackBitForBit) {
  round_trip({});
  expect_equal_tensors(at("source"), at("back"), skip_none);
  EXPECT_THAT(notices_, ElementsAre());
}

TEST_F(ConvertTest, F16ComesBackBitForBit) {
  round_trip({WeightFormat::kF16});
  expect_equal_tensors(at("source"), at("back"), skip_none);
}

TEST_F(ConvertTest, Mxfp4ComesBackBitForBitButKvBAsBf16) {
  round_trip({WeightFormat::kMxfp4});
  expect_equal_tensors(at("source"), at("back"), is_kv_b_name);
  EXPECT_EQ(kv_b_values(at("source")), kv_b_values(at("back")));
  EXPECT_EQ(Checkpoint::open(at("back"))->find("model.layers.0.self_attn.kv_b_proj.weight")->dtype, DType::kBF16);
  EXPECT_THAT(notices_, testing::Contains(HasSubstr("attn_k_b: no block type survives transposing")));
}

/// int8 times a full f16 mantissa fits no 16-bit type: kv_b_proj becomes F32, and that is said.
TEST_F(ConvertTest, Q8ComesBackBitForBitButKvBAsF32) {
  write_source(at("source"), {WeightFormat::kQ8});
  ASSERT_TRUE(export_gguf({at("source"), at("model.gguf")}).ok());
  const auto notices = import_gguf({at("model.gguf"), at("back")});
  ASSERT_TRUE(notices.ok()) << notices.status().message();
  EXPECT_THAT(*notices, ElementsAre(HasSubstr("kv_b_proj.weight (5): written as F32")));
  expect_equal_tensors(at("source"), at("back"), is_kv_b_name);
  EXPECT_EQ(kv_b_values(at("source")), kv_b_values(at("back")));
}

TEST_F(ConvertTest, ShardsAreReadAndWritten) {
  round_trip({WeightFormat::kBF16, false, false, 200'000}, 100'000);
  EXPECT_TRUE(fs::exists(at("source/model.safetensors.index.json")));
  EXPECT_GT(Checkpoint::open(at("back"))->n_files(), 4);
  expect_equal_tensors(at("source"), at("back"), skip_none);
}

TEST_F(ConvertTest, AnMtpLayerNamedDecoderComesBackAsTheLastLayer) {
  round_trip({WeightFormat::kBF16, false, true});
  const auto source = Checkpoint::open(at("source")), back = Checkpoint::open(at("back"));
  for (const auto& [ours, theirs] : std::map<std::string, std::string>{
           {"model.eh_proj.weight", "model.layers.4.eh_proj.weight"},
           {"model.decoder.mlp.experts.3.up_proj.weight", "model.layers.4.mlp.experts.3.up_proj.weight"},
           {"model.decoder.self_attn.kv_b_proj.weight", "model.layers.4.self_attn.kv_b_proj.weight"}}) {
    ASSERT_NE(back->find(theirs), nullptr) << theirs;
    EXPECT_TRUE(bytes_of(*source->find(ours)) == bytes_of(*back->find(theirs))) << ours;
  }
}

TEST_F(ConvertTest, FusedExpertsComeBackOneByOne) {
  round_trip({WeightFormat::kBF16, true});
  const auto source = Checkpoint::open(at("source")), back = Checkpoint::open(at("back"));
  const std::string stack = bytes_of(*source->find("model.layers.2.mlp.experts.gate_up_proj"));
  const size_t half = stack.size() / 8;  // four experts, gate rows first
  const std::string prefix = "model.layers.2.mlp.experts.";
  for (size_t e = 0; e < 4; ++e) {
    const auto gate = back->find(fmt::format("{}{}.gate_proj.weight", prefix, e));
    const auto up = back->find(fmt::format("{}{}.up_proj.weight", prefix, e));
    EXPECT_TRUE(bytes_of(*gate) == stack.substr(2 * e * half, half)) << e;
    EXPECT_TRUE(bytes_of(*up) == stack.substr((2 * e + 1) * half, half)) << e;
  }
}

TEST_F(ConvertTest, SmallFilesComeBack) {
  round_trip({});
  Json wanted = source_config();
  const Json found = parse_json(*read_text_file(at("back/config.json"), 1 << 20), "back").value();
  for (const auto& [key, value] : wanted.items()) EXPECT_EQ(found.value(key, Json()), value) << key;
  EXPECT_TRUE(load_glm52_config(at("back")).ok());
  EXPECT_EQ(*load_generation_config(at("back"), 4101)->eos, (std::vector<int32_t>{4060, 4067, 4069}));
  EXPECT_EQ(*read_text_file(at("back/chat_template.jinja"), 1 << 20),
            *read_text_file(at("source/chat_template.jinja"), 1 << 20));
  const auto a = parse_tokenizer_json(*read_text_file(at("source/tokenizer.json"), 1 << 20), "a");
  const auto b = parse_tokenizer_json(*read_text_file(at("back/tokenizer.json"), 1 << 20), "b");
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->token_bytes, b->token_bytes);
  EXPECT_EQ(a->split_patterns, b->split_patterns);
  EXPECT_EQ(a->ignore_merges, b->ignore_merges);
  ASSERT_EQ(a->merges.size(), b->merges.size());
  for (size_t i = 0; i < a->merges.size(); ++i) EXPECT_EQ(a->merges[i].result, b->merges[i].result) << i;
  ASSERT_EQ(a->added.size(), b->added.size());
  for (size_t i = 0; i < a->added.size(); ++i) {
    EXPECT_EQ(a->added[i].content, b->added[i].content);
    EXPECT_EQ(a->added[i].special, b->added[i].special);
  }
}

TEST_F(ConvertTest, HasWhatLlamaCppAsksFor) {
  round_trip({});
  const auto file = GgufFile::open(at("model.gguf"));
  ASSERT_TRUE(file.ok());
  const GgufKeys& keys = file->keys();
  EXPECT_EQ(*keys.text("general.architecture"), "glm-dsa");
  EXPECT_EQ(*keys.integer("glm-dsa.block_count", 0, 100), 5);
  EXPECT_EQ(*keys.integer("glm-dsa.nextn_predict_layers", 0, 100), 1);
  EXPECT_EQ(*keys.integer("glm-dsa.attention.key_length", 0, 1000), 96);
  EXPECT_EQ(*keys.integer("glm-dsa.attention.key_length_mla", 0, 1000), 64);
  EXPECT_THAT(*keys.integers("glm-dsa.attention.indexer.types"), ElementsAre(1, 0, 1, 0));
  EXPECT_EQ((*keys.texts("tokenizer.ggml.tokens"))->size(), 4101u);
  EXPECT_EQ((*keys.texts("tokenizer.ggml.tokens"))->back(), "[PAD4100]");
  EXPECT_EQ(*keys.integer("tokenizer.ggml.eom_token_id", 0, 5000), 4069);
  EXPECT_EQ(file->find("blk.1.indexer.proj.weight"), nullptr);  // a shared layer
  EXPECT_NE(file->find("blk.4.indexer.proj.weight"), nullptr);  // the MTP layer
  EXPECT_EQ(file->find("blk.2.ffn_gate_inp.weight")->type, GgmlType::kF32);
  EXPECT_EQ(file->find("blk.2.attn_k_b.weight")->shape, (std::vector<int64_t>{2, 64, 32}));
}

class ConvertTypeTest : public ConvertTest, public testing::WithParamInterface<ExportType> {};

/// The largest |value| of a block is held within one step of its type.
float step_of(GgmlType type, float largest) {
  if (type == GgmlType::kF32) return 0;
  if (type == GgmlType::kBF16) return std::ldexp(largest, -8);
  if (type == GgmlType::kF16) return std::ldexp(largest, -11);
  return type == GgmlType::kQ8_0 ? largest / 127 * 0.51f : largest * 0.26f;
}

TEST_P(ConvertTypeTest, RoundsToNearest) {
  write_source(at("source"), {WeightFormat::kFp8Block});
  ASSERT_TRUE(export_gguf({at("source"), at("model.gguf"), GetParam()}).ok());
  const auto notices = import_gguf({at("model.gguf"), at("back")});
  ASSERT_TRUE(notices.ok()) << notices.status().message();
  const auto file = GgufFile::open(at("model.gguf"));
  const auto source = Checkpoint::open(at("source")), back = Checkpoint::open(at("back"));
  const GgmlType type = file->find("blk.0.attn_output.weight")->type;
  const std::string module = "model.layers.0.self_attn.o_proj";
  const auto a = find_matrix(*source, module, 64, 64), b = find_matrix(*back, module, 64, 64);
  ASSERT_TRUE(a.ok() && b.ok());
  std::vector<float> wanted(64), found(64);
  for (int64_t n = 0; n < 64; ++n) {
    dequantize_row(*a, n, wanted.data());
    dequantize_row(*b, n, found.data());
    for (size_t k = 0; k < 64; ++k) {
      const auto block = wanted.begin() + static_cast<int64_t>(k / 32 * 32);
      const float largest =
          std::abs(*std::max_element(block, block + 32, [](float x, float y) { return std::abs(x) < std::abs(y); }));
      ASSERT_NEAR(found[k], wanted[k], step_of(type, largest)) << n << " " << k;
    }
  }
  const bool is_mxfp4 = GetParam() == ExportType::kMxfp4;
  EXPECT_EQ(file->find("output.weight")->type, is_mxfp4 ? GgmlType::kQ8_0 : type);
}

INSTANTIATE_TEST_SUITE_P(Types, ConvertTypeTest,
                         testing::Values(ExportType::kBF16, ExportType::kF16, ExportType::kQ8_0, ExportType::kMxfp4));

TEST_F(ConvertTest, Fp8IsNotKept) {
  write_source(at("source"), {WeightFormat::kFp8Block});
  const auto exported = export_gguf({at("source"), at("model.gguf")});
  EXPECT_EQ(exported.status().code(), Code::kUnsupported);
  EXPECT_THAT(exported.status().message(),
              HasSubstr("q_a_proj.weight: is fp8-e4m3-block128, which ggml lacks; choose what it becomes: --type"));
  EXPECT_FALSE(fs::exists(at("model.gguf")));
  EXPECT_FALSE(fs::exists(at("model.gguf.partial")));
}

TEST_F(ConvertTest, SaysThatKvScalesAreDropped) {
  SourceModel model;
  model.kv_scales = true;
  round_trip(model);
  EXPECT_THAT(notices_, ElementsAre(HasSubstr("scales of an FP8 KV cache: not converted")));
}

TEST_F(ConvertTest, OverwritesNothing) {
  round_trip({});
  EXPECT_EQ(export_gguf({at("source"), at("model.gguf")}).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(import_gguf({at("model.gguf"), at("back")}).status().code(), Code::kAlreadyExists);
}

TEST_F(ConvertTest, NamesATensorThatIsMissing) {
  write_source(at("source"), {});
  Json config = source_config();
  config["num_hidden_layers"] = 3;  // then layer 3 would be the MTP layer
  config["indexer_types"] = {"full", "shared", "full"};
  config["mlp_layer_types"] = {"dense", "sparse", "sparse"};
  std::ofstream(at("source/config.json")) << pretty_json(config);
  const auto exported = export_gguf({at("source"), at("model.gguf")});
  ASSERT_TRUE(exported.ok()) << exported.status().message();
  EXPECT_THAT(*exported, testing::Contains(HasSubstr("eh_proj.weight: absent")));
  config["num_hidden_layers"] = 5;
  config["indexer_types"] = {"full", "shared", "full", "shared", "full"};
  config["mlp_layer_types"] = {"dense", "sparse", "sparse", "sparse", "dense"};
  std::ofstream(at("source/config.json")) << pretty_json(config);
  EXPECT_THAT(export_gguf({at("source"), at("other.gguf")}).status().message(),
              HasSubstr("wanted tensor model.layers.4.mlp.gate_proj.weight, found none"));
}

/// What a GGUF file is made of, to be changed and written again.
struct Parts {
  std::map<std::string, GgufValue, std::less<>> keys;
  std::map<std::string, std::pair<GgufSpec, std::string>> tensors;
};

class ImportTest : public ConvertTest {
 protected:
  void SetUp() override {
    ConvertTest::SetUp();
    write_source(at("source"), {WeightFormat::kMxfp4});
    ASSERT_TRUE(export_gguf({at("source"), at("model.gguf")}).ok());
    const auto file = GgufFile::open(at("model.gguf"));
    ASSERT_TRUE(file.ok());
    parts_.keys = file->keys().all();
    for (const auto& [name, tensor] : file->tensors()) {
      std::string data(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
      parts_.tensors[name] = {{name, tensor.type, tensor.shape}, std::move(data)};
    }
  }

  Result<std::vector<std::string>> import_changed() {
    GgufKeyList keys(parts_.keys.begin(), parts_.keys.end());
    std::vector<GgufSpec> specs;
    for (const auto& [name, tensor] : parts_.tensors) specs.push_back(tensor.first);
    auto writer = GgufWriter::create(at("changed.gguf"), keys, specs);
    DB_CHECK(writer.ok());
    for (const auto& [name, tensor] : parts_.tensors) {
      DB_CHECK(writer->append(std::as_bytes(std::span(tensor.second))).ok());
    }
    DB_CHECK(writer->finish().ok());
    return import_gguf({at("changed.gguf"), at("imported")});
  }
  /// The error, after which nothing may stand under the target's name.
  std::string error() {
    const auto imported = import_changed();
    EXPECT_FALSE(fs::exists(at("imported")) || fs::exists(at("imported.partial")));
    return imported.status().message();
  }
  void add_copy(const std::string& from, const std::string& to) {
    parts_.tensors[to] = parts_.tensors.at(from);
    parts_.tensors[to].first.name = to;
  }

  Parts parts_;
};

TEST_F(ImportTest, NamesAMissingKey) {
  parts_.keys.erase("glm-dsa.attention.q_lora_rank");
  EXPECT_THAT(error(), HasSubstr("changed.gguf: key glm-dsa.attention.q_lora_rank: missing"));
}

TEST_F(ImportTest, NamesAMissingTensor) {
  parts_.tensors.erase("blk.1.attn_v_b.weight");
  EXPECT_THAT(error(), HasSubstr("changed.gguf: tensor blk.1.attn_v_b.weight: missing"));
}

TEST_F(ImportTest, NamesATensorOfAnotherShape) {
  parts_.tensors.at("blk.1.ffn_up_exps.weight").first.shape = {2, 64, 64};
  EXPECT_THAT(error(), HasSubstr("tensor blk.1.ffn_up_exps.weight: wanted [4, 32, 64], found MXFP4 [2, 64, 64]"));
}

TEST_F(ImportTest, RefusesAScaleThatIsNaN) {
  parts_.tensors.at("blk.1.ffn_up_exps.weight").second[17] = '\xff';
  EXPECT_THAT(error(), HasSubstr("tensor blk.1.ffn_up_exps.weight: 1 scale bytes are 255 (NaN)"));
}

TEST_F(ImportTest, RefusesABlockTypeForAVector) {
  parts_.tensors["output_norm.weight"] = {{"output_norm.weight", GgmlType::kQ8_0, {64}}, std::string(68, '\0')};
  EXPECT_THAT(error(), HasSubstr("output_norm.weight: wanted F32, F16 or BF16 for a vector, found Q8_0"));
}

TEST_F(ImportTest, DropsAnMtpEmbeddingOnlyWhenItIsTheModels) {
  add_copy("token_embd.weight", "blk.4.nextn.embed_tokens.weight");
  const auto imported = import_changed();
  ASSERT_TRUE(imported.ok()) << imported.status().message();
  EXPECT_THAT(*imported, testing::Contains(HasSubstr("nextn.embed_tokens.weight: not converted")));
  fs::remove_all(at("imported"));
  parts_.tensors.at("blk.4.nextn.embed_tokens.weight").second[5] ^= 1;
  EXPECT_THAT(error(), HasSubstr("nextn.embed_tokens.weight: wanted none, or a copy of token_embd.weight"));
}

TEST_F(ImportTest, SaysThatPlaceholdersAreDropped) {
  add_copy("blk.0.indexer.attn_k.weight", "blk.1.indexer.attn_k.weight");
  const auto imported = import_changed();
  ASSERT_TRUE(imported.ok()) << imported.status().message();
  EXPECT_THAT(*imported, testing::Contains(HasSubstr("1 indexer tensors of shared layers")));
}

TEST_F(ImportTest, TiesTheHeadWhereThereIsNone) {
  parts_.tensors.erase("output.weight");
  const auto imported = import_changed();
  ASSERT_TRUE(imported.ok()) << imported.status().message();
  EXPECT_TRUE(load_glm52_config(at("imported"))->tied_embeddings);
}

/// A router with a value beyond bf16 stays F32; one without goes back to what it was.
TEST_F(ImportTest, KeepsF32ThatBf16CannotHold) {
  parts_.tensors.at("blk.1.ffn_gate_inp.weight").second[0] ^= 1;
  ASSERT_TRUE(import_changed().ok());
  const auto back = Checkpoint::open(at("imported"));
  const Tensor* changed = back->find("model.layers.1.mlp.gate.weight");
  EXPECT_EQ(changed->dtype, DType::kF32);
  EXPECT_EQ(bytes_of(*changed), parts_.tensors.at("blk.1.ffn_gate_inp.weight").second);
  EXPECT_EQ(back->find("model.layers.2.mlp.gate.weight")->dtype, DType::kBF16);
}

}  // namespace
}  // namespace drawbridge
