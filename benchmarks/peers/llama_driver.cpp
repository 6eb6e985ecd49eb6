// Drives llama.cpp or ik_llama.cpp (-DPEER_IK) through its C API; see protocol.h. Built outside of the repository
// against a peer's headers and library: benchmarks/README.md.
//
// All that a peer offers for speed is on: repacking at load, flash attention, fused MoE, one cache for all sequences,
// so that branches share the prompt's cells.
#include <llama.h>

#include <map>
#include <vector>

#include "protocol.h"

namespace {

struct Options {
  std::string model;
  std::string backends;  // directory of llama.cpp's libggml-cpu-*.so
  std::string kv = "f16";
  int32_t threads = 2;
  int64_t context = 8192;
  int64_t branches = 8;
  int64_t steps = 128;
  int32_t mla = 3;   // of ik: 3 expands K and V for prefill, 1 stays in the latent
  bool dsa = false;  // of ik: llama.cpp's sparse attention cannot be switched off
};

Options read_options(int argc, char** argv) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < argc; i += 2) given[argv[i]] = argv[i + 1];
  if (argc % 2 == 0 || given.count("--model") == 0) {
    peers::die(
        "usage: llama_driver --model FILE [--backends DIR] [--kv f16|q8_0] [--threads N] [--context N]"
        " [--branches N] [--steps N] [--mla 1|3] [--dsa 0|1]");
  }
  const auto text = [&](const std::string& name, const std::string& value) {
    const auto found = given.find(name);
    return found == given.end() ? value : found->second;
  };
  const auto number = [&](const std::string& name, int64_t value) {
    return std::stoll(text(name, std::to_string(value)));
  };
  Options o;
  o.model = text("--model", "");
  o.backends = text("--backends", "");
  o.kv = text("--kv", o.kv);
  o.threads = static_cast<int32_t>(number("--threads", o.threads));
  o.context = number("--context", o.context);
  o.branches = number("--branches", o.branches);
  o.steps = number("--steps", o.steps);
  o.mla = static_cast<int32_t>(number("--mla", o.mla));
  o.dsa = number("--dsa", 0) != 0;
  if (o.kv != "f16" && o.kv != "q8_0") peers::die("--kv: wanted f16 or q8_0, found " + o.kv);
  return o;
}

// The few calls that the two name differently.
#ifdef PEER_IK
void load_backends(const std::string&) {}

llama_model_params model_params(const Options& o) {
  llama_model_params p = llama_model_default_params();
  p.mla = o.mla;
  p.repack_tensors = true;
  p.flash_attn = true;
  return p;
}

void set_context_params(const Options& o, llama_context_params& p) {
  p.n_threads = static_cast<uint32_t>(o.threads);
  p.n_threads_batch = static_cast<uint32_t>(o.threads);
  p.flash_attn = true;
  p.mla_attn = o.mla;
  p.fused_moe_up_gate = true;
  p.dsa = o.dsa;
  p.fused_idx_topk = true;
}

void remove(llama_context* c, llama_seq_id id, llama_pos from, llama_pos to) {
  llama_kv_cache_seq_rm(c, id, from, to);
}
void copy(llama_context* c, llama_seq_id from, llama_seq_id to) {
  llama_kv_cache_seq_cp(c, from, to, -1, -1);
}
void free_model(llama_model* model) {
  llama_free_model(model);
}
#else
void load_backends(const std::string& directory) {
  ggml_backend_load_all_from_path(directory.c_str());
}

llama_model_params model_params(const Options&) {
  return llama_model_default_params();
}

void set_context_params(const Options& o, llama_context_params& p) {
  p.n_threads = o.threads;
  p.n_threads_batch = o.threads;
  p.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
  p.kv_unified = true;
  p.n_outputs_max = p.n_seq_max;
}

void remove(llama_context* c, llama_seq_id id, llama_pos from, llama_pos to) {
  llama_memory_seq_rm(llama_get_memory(c), id, from, to);
}
void copy(llama_context* c, llama_seq_id from, llama_seq_id to) {
  llama_memory_seq_cp(llama_get_memory(c), from, to, -1, -1);
}
void free_model(llama_model* model) {
  llama_model_free(model);
}
#endif

constexpr int32_t kBatch = 2048;     // tokens of one llama_decode
constexpr int32_t kUbatch = 512;     // of which so many are computed at once
constexpr llama_seq_id kPrompt = 0;  // branch b is sequence 1 + b

class LlamaEntrant : public peers::Entrant {
 public:
  explicit LlamaEntrant(const Options& options) : options_(options) {
    load_backends(options.backends);
    llama_backend_init();
    model_ = llama_model_load_from_file(options.model.c_str(), model_params(options));
    if (model_ == nullptr) peers::die("cannot load " + options.model);
    llama_context_params p = llama_context_default_params();
    p.n_ctx = static_cast<uint32_t>(options.context + options.branches * options.steps);
    p.n_batch = kBatch;
    p.n_ubatch = kUbatch;
    p.n_seq_max = static_cast<uint32_t>(1 + options.branches);
    p.type_k = p.type_v = options.kv == "f16" ? GGML_TYPE_F16 : GGML_TYPE_Q8_0;
    set_context_params(options, p);
    context_ = llama_init_from_model(model_, p);
    if (context_ == nullptr) peers::die("cannot make a context");
    batch_ = llama_batch_init(kBatch, 0, 1);
  }
  ~LlamaEntrant() override {
    llama_batch_free(batch_);
    llama_free(context_);
    free_model(model_);
  }

  int64_t vocab() const override { return llama_vocab_n_tokens(llama_model_get_vocab(model_)); }
  int64_t max_context() const override { return options_.context; }
  int64_t max_branches() const override { return options_.branches; }
  int64_t max_steps() const override { return options_.steps; }

  void prefill(int64_t from, int64_t to) override {
    while (from < to) {
      for (; batch_.n_tokens < kBatch && from < to; ++from) {
        add(prompt_token(from), from, kPrompt, from + 1 == to);
      }
      decode();
    }
  }
  void cut(int64_t n) override { remove(context_, kPrompt, static_cast<llama_pos>(n), -1); }
  void fork(int64_t depth, int64_t n) override {
    depth_ = depth;
    n_branches_ = n;
    for (int64_t b = 0; b < n && depth > 0; ++b) copy(context_, kPrompt, static_cast<llama_seq_id>(1 + b));
  }
  void step(int64_t i) override {
    for (int64_t b = 0; b < n_branches_; ++b) {
      add(branch_token(b, i), depth_ + i, static_cast<llama_seq_id>(1 + b), true);
    }
    decode();
  }
  void join() override {
    for (int64_t b = 0; b < n_branches_; ++b) remove(context_, static_cast<llama_seq_id>(1 + b), -1, -1);
  }

 private:
  void add(int32_t token, int64_t position, llama_seq_id sequence, bool wants_logits) {
    const int32_t i = batch_.n_tokens++;
    batch_.token[i] = token;
    batch_.pos[i] = static_cast<llama_pos>(position);
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = sequence;
    batch_.logits[i] = wants_logits;
  }
  void decode() {
    const int32_t last = batch_.n_tokens - 1;
    const bool wants_logits = batch_.logits[last] != 0;
    const int32_t error = llama_decode(context_, batch_);
    if (error != 0) peers::die("llama_decode returned " + std::to_string(error));
    llama_synchronize(context_);
    if (wants_logits && llama_get_logits_ith(context_, last) == nullptr) peers::die("no logits");
    batch_.n_tokens = 0;
  }

  Options options_;
  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
  llama_batch batch_{};
  int64_t depth_ = 0;
  int64_t n_branches_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const peers::Stopwatch since_start;
  LlamaEntrant entrant(read_options(argc, argv));
  peers::Session session(entrant);
  session.say_ready(since_start, "");
  session.run();
}
