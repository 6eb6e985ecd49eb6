#include "base/log.h"
#include "cli/verbs.h"

namespace drawbridge {

CLI::Option* add_engine_options(CLI::App& verb, EngineOptions& o) {
  CLI::Option* model = verb.add_option("--model", o.model, "HuggingFace directory of a glm_moe_dsa model");
  verb.add_option("--numerics", o.numerics, "serving; parity or parity-f32: as HuggingFace")->capture_default_str();
  verb.add_option("--activation", o.activation,
                  "inputs of products with quantized weights: auto (int8 for MXFP4 and q8), bf16, int8, mxfp8, mxfp4")
      ->capture_default_str();
  verb.add_option("--isa", o.isa, "CPU kernels: auto, avx512, avx2, portable, or scalar (the slow reference)")
      ->capture_default_str();
  verb.add_option("--threads", o.n_threads, "of the CPU kernels; 0: as many as there are")->capture_default_str();
  verb.add_option("--tuned-table", o.tuned_table, "measured plans; absent: the model's own for this device, if any");
  verb.add_flag("--strict", o.strict, "refuse to start while a product has no measured plan (see tune, doctor)");
  verb.add_option("--weights-cache", o.weights_cache,
                  "existing directory that keeps repacked weights: the next start maps them");
  verb.add_flag("--pin-threads", o.pin_threads, "each thread but one keeps to a CPU of its own");
  verb.add_option("--kv-cache-dtype", o.kv_cache_dtype,
                  "auto (bf16, or as --numerics), bf16, fp8_e4m3 (scales of the checkpoint), fp8_ds_mla")
      ->capture_default_str();
  verb.add_option("--kv-scale", o.kv_scale,
                  "of fp8_e4m3 for every layer; absent: the checkpoint's, which must be there");
  verb.add_option("--max-context", o.max_context, "tokens a request may have")->capture_default_str();
  verb.add_option("--kv-tokens", o.kv_tokens, "tokens the cache holds; 0: twice the context")->capture_default_str();
  verb.add_option("--max-step-tokens", o.max_step_tokens, "tokens computed in one step")->capture_default_str();
  return model->required();
}

void log_notices(const ModelCard& card) {
  for (const std::string& line : card.plans) spdlog::info("{}", line);
  for (const std::string& notice : card.notices) spdlog::warn("model notice=\"{}\"", notice);
}

}  // namespace drawbridge
