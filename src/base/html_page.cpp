#include "base/html_page.h"

#include <fmt/format.h>

#include "base/svg.h"

namespace drawbridge {
namespace {

struct Colour {
  const char *name, *light, *dark;
};

constexpr Colour kColours[] = {{"ink", "#1c2330", "#e6e8ee"},       {"paper", "#fbfbf9", "#14171d"},
                               {"soft", "#667085", "#9aa3b2"},      {"line", "#d9dce3", "#313846"},
                               {"card", "#ffffff", "#1b1f27"},      {"baseline", "#5b7fb4", "#7fa3d8"},
                               {"candidate", "#d9822b", "#f0a24e"}, {"good", "#2e8b57", "#5fc08a"},
                               {"bad", "#c0392b", "#ef7565"},       {"open", "#8a6d1d", "#d9b44a"}};

constexpr const char* kPageStyle = R"css(
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 860px; padding: 2rem 1.25rem 4rem; color: var(--ink); background: var(--paper);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; } p { margin: .5rem 0; } .soft { color: var(--soft); }
table { border-collapse: collapse; margin: .75rem 0; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { padding: .3rem .75rem; border-bottom: 1px solid var(--line); text-align: right; }
th { color: var(--soft); font-weight: 600; } th.name, td.name { text-align: left; }
.scroll { overflow-x: auto; } td.flip { font-weight: 700; color: var(--bad); } td.win { font-weight: 700; color: var(--good); }
.verdict { background: var(--card); border: 1px solid var(--line); border-left: 6px solid var(--open);
  border-radius: 6px; padding: .7rem 1rem; margin: 1rem 0; }
.verdict.non-inferior, .verdict.pass { border-left-color: var(--good); }
.verdict.inferior, .verdict.fail { border-left-color: var(--bad); }
td.pass { color: var(--good); } td.fail { color: var(--bad); font-weight: 700; } td.insufficient { color: var(--open); font-weight: 700; }
details { margin: .5rem 0; } summary { cursor: pointer; color: var(--soft); }
pre { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .75rem; font-size: .85rem; }
svg { display: block; width: 100%; height: auto; margin: .5rem 0; }
)css";

constexpr const char* kSvgStyle = R"css(svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .grid { stroke: var(--line); } svg .zero { stroke: var(--soft); } svg .whisker { stroke: var(--ink); stroke-width: 2; }
svg .margin { stroke: var(--bad); stroke-dasharray: 4 3; } svg .baseline { fill: var(--baseline); }
svg .candidate { fill: var(--candidate); } svg .found { fill: var(--good); } svg .missed { fill: var(--line); }
svg .shaded { fill: var(--soft); } svg polyline { fill: none; stroke-width: 2; }
svg .first { stroke: var(--baseline); } svg .second { stroke: var(--candidate); }
svg circle.first { fill: var(--baseline); } svg circle.second { fill: var(--candidate); }
)css";

std::string colour_variables(const char* Colour::*theme) {
  std::string text;
  for (const Colour& colour : kColours) text += fmt::format(" --{}: {};", colour.name, colour.*theme);
  return text;
}

std::string page_style() {
  return fmt::format(
      "\n:root {{ color-scheme: light dark;{} }}\n@media (prefers-color-scheme: dark) {{ :root {{{} }} }}{}{}",
      colour_variables(&Colour::light), colour_variables(&Colour::dark), kPageStyle, kSvgStyle);
}

/// The drawing's rules with their colours in place: not every viewer of a picture knows variables.
std::string light_svg_style() {
  std::string style = kSvgStyle;
  for (const Colour& colour : kColours) {
    const std::string variable = fmt::format("var(--{})", colour.name);
    for (size_t at = style.find(variable); at != std::string::npos; at = style.find(variable, at)) {
      style.replace(at, variable.size(), colour.light);
    }
  }
  return style;
}

}  // namespace

std::string html_page(std::string_view title, std::string_view subtitle, std::string_view body) {
  const std::string safe_title = escape_html(title);
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<h1>{}</h1>\n<p class=\"soft\">{}</p>\n{}"
      "</body>\n</html>\n",
      safe_title, page_style(), safe_title, escape_html(subtitle), body);
}

std::string svg_picture(std::string_view element) {
  const size_t open_end = element.find('>');
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\"{}>\n<style>{}</style>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>{}",
      element.substr(4, open_end - 4), light_svg_style(), kColours[1].light, element.substr(open_end + 1));
}

std::string html_paragraph(std::string_view text) {
  return "<p>" + escape_html(text) + "</p>\n";
}

std::string html_heading(int level, std::string_view text) {
  return fmt::format("<h{}>{}</h{}>\n", level, escape_html(text), level);
}

std::string html_folded(std::string_view title, std::string_view html) {
  return fmt::format("<details><summary>{}</summary>\n{}</details>\n", escape_html(title), html);
}

}  // namespace drawbridge
