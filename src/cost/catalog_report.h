// The catalogue as tables and as JSON, every figure with its source and date.
#pragma once

#include "cost/catalog.h"

namespace drawbridge {

std::string devices_text(const Catalog& catalog);
std::string prices_text(const Catalog& catalog);
std::string models_text(const Catalog& catalog);
Json catalog_json(const Catalog& catalog);

}  // namespace drawbridge
