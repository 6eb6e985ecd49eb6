// One entry of each of the catalogue's files, read and checked; `where` is "FILE: NAME" and starts every error.
#pragma once

#include "cost/catalog.h"

namespace drawbridge {

Result<Accelerator> read_accelerator(const Json& json, const std::string& where);
Result<PriceBasis> read_price_basis(const Json& json, const std::string& where);
Result<ModelEntry> read_model_entry(const Json& json, const std::string& where);

}  // namespace drawbridge
