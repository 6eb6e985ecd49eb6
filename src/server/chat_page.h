// The page of `GET /`, from chat_page.html.
#pragma once

#include <string_view>

namespace drawbridge {

extern const std::string_view kChatPage;

}  // namespace drawbridge
