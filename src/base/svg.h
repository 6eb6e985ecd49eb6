// Svg: a drawing inside a page. Colours come from the page's style sheet through classes, so it follows dark and light.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drawbridge {

/// Text that is safe inside of elements and quoted attributes.
std::string escape_html(std::string_view text);

class Svg {
 public:
  /// In drawing units; the page scales it. `label` is what a screen reader says.
  Svg(double width, double height, std::string_view label);

  enum class Anchor { kStart, kMiddle, kEnd };

  void line(double x1, double y1, double x2, double y2, std::string_view css_class);
  /// `hint` is shown when the pointer rests on it.
  void rect(double x, double y, double width, double height, std::string_view css_class, std::string_view hint);
  /// A rectangle of which `share` in [0, 1] is opaque.
  void shade(double x, double y, double width, double height, double share, std::string_view css_class,
             std::string_view hint);
  void circle(double x, double y, double radius, std::string_view css_class, std::string_view hint);
  /// Lines from point to point; `hint` as for rect.
  void polyline(const std::vector<std::pair<double, double>>& points, std::string_view css_class,
                std::string_view hint);
  void text(double x, double y, Anchor anchor, std::string_view text);

  /// The closed element.
  std::string element() const { return out_ + "</svg>\n"; }

 private:
  std::string out_;
};

/// Round numbers inside [low, high], about five.
std::vector<double> axis_ticks(double low, double high);

}  // namespace drawbridge
