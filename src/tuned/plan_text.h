// Plans and product keys as tables and messages spell them.
#pragma once

#include <string>
#include <string_view>

#include "backend/plan_source.h"
#include "base/result.h"

namespace drawbridge {

/// "8x2", or "8x2+expand": 8 columns, strips of 2 panels, codes unpacked once.
std::string plan_text(const TilePlan& plan);
/// `source` starts the message of an error.
Result<TilePlan> plan_from_text(std::string_view text, const std::string& source);

/// "linear", "heads", "moe_hidden", "moe_output".
const char* stage_name(ProductStage stage);
Result<ProductStage> stage_from_name(std::string_view name, const std::string& source);
/// "f32", "bf16", "int8".
const char* panel_input_name(PanelInput input);
Result<PanelInput> panel_input_from_name(std::string_view name, const std::string& source);
Result<WeightFormat> weight_format_from_name(std::string_view name, const std::string& source);

/// "moe_hidden mxfp4 x bf16 N=512 K=1024 E=33 topk=5".
std::string key_text(const ProductKey& key);

}  // namespace drawbridge
