#include "base/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace drawbridge {
namespace {

std::string hint_element(std::string_view hint) {
  return hint.empty() ? "" : "<title>" + escape_html(hint) + "</title>";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

Svg::Svg(double width, double height, std::string_view label)
    : out_(fmt::format("<svg viewBox=\"0 0 {:g} {:g}\" style=\"max-width:{:g}px\" role=\"img\" aria-label=\"{}\">\n",
                       width, height, width, escape_html(label))) {}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  out_ += fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", css_class, x1,
                      y1, x2, y2);
}

void Svg::rect(double x, double y, double width, double height, std::string_view css_class, std::string_view hint) {
  shade(x, y, width, height, 1, css_class, hint);
}

void Svg::shade(double x, double y, double width, double height, double share, std::string_view css_class,
                std::string_view hint) {
  out_ += fmt::format(
      "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "fill-opacity=\"{:.2f}\">{}</rect>\n",
      css_class, x, y, std::max(width, 0.0), std::max(height, 0.0), std::clamp(share, 0.0, 1.0), hint_element(hint));
}

void Svg::circle(double x, double y, double radius, std::string_view css_class, std::string_view hint) {
  out_ += fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\">{}</circle>\n", css_class, x, y,
                      radius, hint_element(hint));
}

void Svg::polyline(const std::vector<std::pair<double, double>>& points, std::string_view css_class,
                   std::string_view hint) {
  out_ += fmt::format("<polyline class=\"{}\" points=\"", css_class);
  for (const auto& [x, y] : points) out_ += fmt::format("{:.1f},{:.1f} ", x, y);
  out_ += fmt::format("\">{}</polyline>\n", hint_element(hint));
}

void Svg::text(double x, double y, Anchor anchor, std::string_view text) {
  const char* const where = anchor == Anchor::kStart ? "start" : anchor == Anchor::kMiddle ? "middle" : "end";
  out_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, where, escape_html(text));
}

std::vector<double> axis_ticks(double low, double high) {
  const double rough = (high - low) / 5;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double unit = rough / power;
  const double step = power * (unit < 1.5 ? 1 : unit < 3.5 ? 2 : unit < 7.5 ? 5 : 10);
  std::vector<double> found;
  for (double tick = std::ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) {
    found.push_back(std::abs(tick) < step * 1e-9 ? 0 : tick);
  }
  return found;
}

}  // namespace drawbridge
