// The keys of other engines' tuning files.
// aiter (aiter/configs/*tuned_fmoe*.csv): columns, of which the first 14 are the key; older files lack gfx.
// vLLM and SGLang (fused_moe_triton_config.py): "E=257,N=256,device_name=NVIDIA_H200,dtype=fp8_w8a8.json", and the
// numbers of tokens as names of its members.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuned/foreign.h"

namespace drawbridge {

/// Where a heading has the columns of the key.
struct AiterColumns {
  size_t n_columns = 0;
  size_t n_key_columns = 0;  // up to the last one of the key: rows of real files may lack what follows
  std::optional<size_t> gfx;
  size_t cu_num = 0, token = 0, model_dim = 0, inter_dim = 0, expert = 0, topk = 0;
  std::array<size_t, 7> types = {};  // act_type to doweight_stage1
};

/// `source` names the file and line in messages.
Result<AiterColumns> aiter_columns(std::string_view heading, const std::string& source);
Result<ForeignKey> aiter_key(std::string_view line, const AiterColumns& columns, const std::string& source);
/// Of the member `tokens` of `file`.
Result<ForeignKey> sglang_key(std::string_view file, std::string_view tokens, const std::string& source);

}  // namespace drawbridge
