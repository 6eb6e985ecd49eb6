// A report as one self-contained page: no script, nothing loaded, colours for light and dark.
#pragma once

#include <string>
#include <string_view>

namespace drawbridge {

/// The whole page; `body` is HTML already, the others are escaped.
std::string html_page(std::string_view title, std::string_view subtitle, std::string_view body);

/// An Svg's element as a file of its own, in the light colours.
std::string svg_picture(std::string_view element);

std::string html_paragraph(std::string_view text);
std::string html_heading(int level, std::string_view text);
/// Shown when its title is clicked; `html` is HTML already.
std::string html_folded(std::string_view title, std::string_view html);

}  // namespace drawbridge
