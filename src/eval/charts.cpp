#include "eval/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/svg.h"

namespace drawbridge {
namespace {

constexpr double kWidth = 720;
constexpr double kLabel = 220;  // room for labels on the left
constexpr double kRow = 26;
constexpr double kTop = 10;
constexpr double kAxis = 24;  // room for numbers below

using Anchor = Svg::Anchor;

/// Maps values to x between the labels and the right edge.
struct Scale {
  double low, high;

  double x(double value) const { return kLabel + (kWidth - kLabel - 60) * (value - low) / (high - low); }
};

void draw_axis(Svg& svg, const Scale& scale, double height, double factor, const char* unit) {
  for (const double tick : axis_ticks(scale.low, scale.high)) {
    svg.line(scale.x(tick), kTop, scale.x(tick), height - kAxis, "grid");
    svg.text(scale.x(tick), height - 8, Anchor::kMiddle, fmt::format("{:g}{}", factor * tick, unit));
  }
}

/// Long labels keep their end, where systems and filters differ.
std::string short_label(const std::string& label) {
  constexpr size_t kMost = 34;
  if (label.size() <= kMost) return label;
  size_t from = label.size() - kMost;
  while (from < label.size() && (static_cast<unsigned char>(label[from]) & 0xc0) == 0x80) ++from;
  return "…" + label.substr(from);
}

}  // namespace

std::string score_chart(const std::vector<ScoreBar>& bars) {
  const double height = kTop + kRow * static_cast<double>(bars.size()) + kAxis;
  Svg svg(kWidth, height, "scores with two standard errors");
  const Scale scale{0, 1};
  draw_axis(svg, scale, height, 100, " %");
  for (size_t i = 0; i < bars.size(); ++i) {
    const ScoreBar& bar = bars[i];
    const double y = kTop + kRow * static_cast<double>(i);
    const double low = std::max(0.0, bar.value - 2 * bar.standard_error);
    const double high = std::min(1.0, bar.value + 2 * bar.standard_error);
    svg.text(kLabel - 8, y + 17, Anchor::kEnd, short_label(bar.label));
    svg.rect(scale.x(0), y + 4, scale.x(bar.value) - scale.x(0), kRow - 8, bar.is_candidate ? "candidate" : "baseline",
             fmt::format("{}: {:.4f} ± {:.4f}", bar.label, bar.value, bar.standard_error));
    svg.line(scale.x(low), y + kRow / 2, scale.x(high), y + kRow / 2, "whisker");
    svg.text(kWidth - 4, y + 17, Anchor::kEnd, fmt::format("{:.2f}", 100 * bar.value));
  }
  return svg.element();
}

std::string difference_chart(const std::vector<DifferenceRow>& rows, double margin) {
  const double height = kTop + kRow * static_cast<double>(rows.size()) + kAxis;
  double reach = 1.5 * margin;
  for (const DifferenceRow& row : rows) {
    reach = std::max({reach, 1.1 * std::abs(row.interval.low), 1.1 * std::abs(row.interval.high)});
  }
  Svg svg(kWidth, height, "differences with intervals");
  const Scale scale{-reach, reach};
  draw_axis(svg, scale, height, 100, "");
  svg.line(scale.x(0), kTop, scale.x(0), height - kAxis, "zero");
  svg.line(scale.x(-margin), kTop, scale.x(-margin), height - kAxis, "margin");
  for (size_t i = 0; i < rows.size(); ++i) {
    const DifferenceRow& row = rows[i];
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    svg.text(kLabel - 8, y + 4, Anchor::kEnd, short_label(row.label));
    svg.line(scale.x(row.interval.low), y, scale.x(row.interval.high), y, "whisker");
    svg.circle(scale.x(row.difference), y, 5, "candidate",
               fmt::format("{:+.2f} points, {:+.2f} to {:+.2f}", 100 * row.difference, 100 * row.interval.low,
                           100 * row.interval.high));
    svg.text(kWidth - 4, y + 4, Anchor::kEnd, fmt::format("{:+.2f}", 100 * row.difference));
  }
  return svg.element();
}

std::string histogram_chart(const KlHistogram& histogram) {
  constexpr double kHeight = 220, kLeft = 60, kBottom = 40;
  Svg svg(kWidth, kHeight, "histogram of divergences");
  const int64_t most = std::max<int64_t>(1, *std::max_element(histogram.count.begin(), histogram.count.end()));
  const double width = (kWidth - kLeft - 10) / static_cast<double>(histogram.count.size());
  const double room = kHeight - kBottom - kTop;
  for (size_t i = 0; i < histogram.count.size(); ++i) {
    const double share = static_cast<double>(histogram.count[i]) / static_cast<double>(most);
    const double x = kLeft + width * static_cast<double>(i);
    svg.rect(x + 1, kTop + room * (1 - share), width - 2, room * share, "candidate",
             fmt::format("{:.2g} to {:.2g} nats: {}", histogram.edge[i], histogram.edge[i + 1], histogram.count[i]));
    if (i % 3 == 0) svg.text(x, kHeight - 22, Anchor::kMiddle, fmt::format("{:.0e}", histogram.edge[i]));
  }
  svg.line(kLeft, kHeight - kBottom, kWidth - 10, kHeight - kBottom, "zero");
  svg.text(kLeft - 6, kTop + 10, Anchor::kEnd, fmt::format("{}", most));
  svg.text(kWidth / 2, kHeight - 4, Anchor::kMiddle, "KL(reference || candidate) of one prediction, nats");
  return svg.element();
}

std::string agreement_chart(const std::string& title, const std::vector<LayerAgreement>& layers) {
  constexpr double kHeight = 200, kLeft = 60, kBottom = 40;
  Svg svg(kWidth, kHeight, title);
  double low = 1;
  for (const LayerAgreement& layer : layers) low = std::min({low, layer.equal, layer.jaccard});
  low = std::max(0.0, low >= 1 ? 0.9 : low - 0.1 * (1 - low));
  const double room = kHeight - kBottom - kTop;
  const auto y = [&](double share) { return kTop + room * (1 - (share - low) / (1 - low)); };
  for (const double tick : axis_ticks(low, 1)) {
    svg.line(kLeft, y(tick), kWidth - 10, y(tick), "grid");
    svg.text(kLeft - 6, y(tick) + 4, Anchor::kEnd, fmt::format("{:g} %", 100 * tick));
  }
  const double step = (kWidth - kLeft - 10) / static_cast<double>(layers.size());
  const size_t every = 1 + layers.size() / 24;
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerAgreement& layer = layers[i];
    const double x = kLeft + step * (static_cast<double>(i) + 0.5);
    svg.circle(x, y(layer.equal), 4, "baseline",
               fmt::format("layer {}: {:.2f} % equal", layer.layer, 100 * layer.equal));
    svg.circle(x, y(layer.jaccard), 4, "candidate",
               fmt::format("layer {}: Jaccard {:.4f}", layer.layer, layer.jaccard));
    if (i % every == 0) svg.text(x, kHeight - 22, Anchor::kMiddle, fmt::format("{}", layer.layer));
  }
  svg.text(kWidth / 2, kHeight - 4, Anchor::kMiddle, "layer");
  return svg.element();
}

std::string heat_map(const std::string& title, const std::vector<HeatCell>& cells) {
  std::set<int64_t> lengths, depths;
  for (const HeatCell& cell : cells) {
    lengths.insert(cell.length);
    depths.insert(cell.depth_percent);
  }
  const double height = kTop + kRow * static_cast<double>(depths.size()) + kAxis;
  Svg svg(kWidth, height, title);
  const double width = std::min(120.0, (kWidth - kLabel - 10) / static_cast<double>(lengths.size()));
  for (const HeatCell& cell : cells) {
    const auto column = static_cast<double>(std::distance(lengths.begin(), lengths.find(cell.length)));
    const auto row = static_cast<double>(std::distance(depths.begin(), depths.find(cell.depth_percent)));
    const double share = cell.score / static_cast<double>(cell.n);
    const double x = kLabel + width * column, y = kTop + kRow * row;
    const std::string hint =
        fmt::format("{} tokens, depth {} %: {:g} of {} found", cell.length, cell.depth_percent, cell.score, cell.n);
    svg.rect(x + 1, y + 1, width - 2, kRow - 2, "missed", hint);
    svg.shade(x + 1, y + 1, width - 2, kRow - 2, share, "found", hint);
    svg.text(x + width / 2, y + 17, Anchor::kMiddle, fmt::format("{:.0f} %", 100 * share));
  }
  double at = 0.5;
  for (const int64_t length : lengths) {
    svg.text(kLabel + width * at++, height - 8, Anchor::kMiddle, fmt::format("{}", length));
  }
  at = 0;
  for (const int64_t depth : depths) {
    svg.text(kLabel - 8, kTop + kRow * at++ + 17, Anchor::kEnd, fmt::format("depth {} %", depth));
  }
  return svg.element();
}

}  // namespace drawbridge
