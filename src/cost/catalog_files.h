// The files of catalog/, as they were when this program was built.
#pragma once

#include <string_view>

namespace drawbridge {

extern const std::string_view kAcceleratorsJson;
extern const std::string_view kPricesJson;
extern const std::string_view kModelsJson;
extern const std::string_view kArticleJson;

}  // namespace drawbridge
