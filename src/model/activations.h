// Activations: the buffers of one step, allocated once for the largest step and cut to the step's rows.
#pragma once

#include <vector>

#include "backend/backend.h"
#include "model/glm52_config.h"

namespace drawbridge {

struct Activations {
  View x;                       // [T, D] input and output of a block
  View resid;                   // [T, D] residual stream
  View h;                       // [T, D] normed block input; after forward() the hidden states after the final norm
  View q_c;                     // [T, q_lora] compressed query
  View q;                       // [T, H * (nope + rope)]
  View kv;                      // [T, C + rope] compressed key and value, rope key
  View q_latent;                // [T, H, C]
  View o_latent;                // [T, H, C]
  View o;                       // [T, H * v]
  View iq;                      // [T, IH * ID]
  View ik;                      // [T, ID]
  View iw;                      // [T, IH]
  View selected;                // i32 [T, topk] positions, -1 = none
  View gate, up;                // [T, I] dense MLP
  View expert_gate, expert_up;  // [T, shared I] shared expert
  View router_logit;            // [T, E]
  View expert;                  // i32 [T, K], K + 1 with the shared expert last where it is fused
  View expert_weight;           // [T, K] or [T, K + 1]
  View shared;                  // [T, D] the shared expert's output
  View mtp_in;                  // [T, 2 D] embedding, hidden
  View last;                    // [R, D]
  View logits;                  // [R, V]

  static Result<Activations> create(Backend& backend, const Glm52Config& config, int64_t max_tokens,
                                    int64_t max_logit_rows);
  /// Cuts every view to this step; both at most what create() was given.
  void set_rows(int64_t n_tokens, int64_t n_logit_rows);

 private:
  int64_t max_tokens_ = 0;
  int64_t max_logit_rows_ = 0;
  std::vector<Buffer> buffers_;
};

}  // namespace drawbridge
