#include "verdict/plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/svg.h"
#include "stats/quantile.h"
#include "verdict/latency.h"
#include "verdict/timeline.h"

namespace drawbridge {
namespace {

using Anchor = Svg::Anchor;

constexpr double kWidth = 720, kHeight = 240;
constexpr double kLeft = 70, kRight = 20, kTop = 24, kBottom = 40;

/// Maps values from [0, x_most] and [0, y_most] into a panel whose upper edge is at `top`.
struct Frame {
  double x_most = 1, y_most = 1;
  double top = kTop, height = kHeight - kTop - kBottom;

  double x(double value) const { return kLeft + (kWidth - kLeft - kRight) * std::clamp(value / x_most, 0.0, 1.0); }
  double y(double value) const { return top + height * (1 - std::clamp(value / y_most, 0.0, 1.0)); }
  double bottom() const { return top + height; }
};

double positive(double value) {
  return std::isfinite(value) && value > 0 ? value : 1;
}

void draw_axes(Svg& svg, const Frame& frame, const std::string& title, const std::string& x_unit) {
  for (const double tick : axis_ticks(0, frame.y_most)) {
    svg.line(kLeft, frame.y(tick), kWidth - kRight, frame.y(tick), "grid");
    svg.text(kLeft - 6, frame.y(tick) + 4, Anchor::kEnd, fmt::format("{:g}", tick));
  }
  svg.line(kLeft, frame.bottom(), kWidth - kRight, frame.bottom(), "zero");
  svg.text(kLeft, frame.top - 8, Anchor::kStart, title);
  if (x_unit.empty()) return;
  for (const double tick : axis_ticks(0, frame.x_most)) {
    svg.text(frame.x(tick), frame.bottom() + 16, Anchor::kMiddle, fmt::format("{:g}", tick));
  }
  svg.text(kWidth / 2, frame.bottom() + 34, Anchor::kMiddle, x_unit);
}

/// Names the two colours in the upper right corner.
void draw_key(Svg& svg, const std::string& first, const std::string& second) {
  constexpr double kColumn = 110, kDot = 4, kBaseline = 16;
  const std::pair<const char*, const std::string*> entries[] = {{"first", &first}, {"second", &second}};
  double x = kWidth - kRight - 2 * kColumn;
  for (const auto& [css_class, label] : entries) {
    svg.circle(x, kBaseline - kDot, kDot, css_class, *label);
    svg.text(x + 3 * kDot, kBaseline, Anchor::kStart, *label);
    x += kColumn;
  }
}

double most_arrivals(const std::vector<JudgedPoint>& points) {
  double most = 0;
  for (const JudgedPoint& point : points) most = std::max(most, point.figures.due_rps);
  return positive(1.08 * most);
}

double upper_end(const Estimate& estimate) {
  const double value = estimate.value.value_or(0);
  return estimate.interval ? std::max(value, estimate.interval->high) : value;
}

/// Points with whiskers, joined by a line and moved aside from those of another series; refused figures are left out.
void draw_estimates(Svg& svg, const Frame& frame, const std::vector<std::pair<double, Estimate>>& estimates,
                    const char* css_class, const std::string& what, double aside = 0) {
  std::vector<std::pair<double, double>> path;
  for (const auto& [at, estimate] : estimates) {
    if (estimate.value) path.emplace_back(frame.x(at) + aside, frame.y(*estimate.value));
  }
  svg.polyline(path, css_class, what);
  for (const auto& [at, estimate] : estimates) {
    if (!estimate.value) continue;
    const double x = frame.x(at) + aside;
    std::string hint = fmt::format("{} at {:.3g} requests/s: {:.4g}", what, at, *estimate.value);
    if (estimate.interval) {
      hint += fmt::format(" ({:.4g} to {:.4g})", estimate.interval->low, estimate.interval->high);
      svg.line(x, frame.y(estimate.interval->low), x, frame.y(estimate.interval->high), "whisker");
    }
    svg.circle(x, frame.y(*estimate.value), 4, css_class, hint);
  }
}

/// At most 200 points of the cumulative share.
std::vector<std::pair<double, double>> cdf_path(const Frame& frame, std::vector<double> values) {
  constexpr int kSteps = 200;
  std::sort(values.begin(), values.end());
  std::vector<std::pair<double, double>> path;
  for (int i = 0; i <= kSteps && !values.empty(); ++i) {
    const double share = static_cast<double>(i) / kSteps;
    path.emplace_back(frame.x(quantile_of(values, share)), frame.y(share));
  }
  return path;
}

void draw_shades(Svg& svg, const Frame& frame, const SteadyWindow& window) {
  svg.shade(frame.x(0), frame.top, frame.x(window.begin_s) - frame.x(0), frame.height, 0.15, "shaded",
            "warm-up: in no figure");
  svg.shade(frame.x(window.end_s), frame.top, kWidth - kRight - frame.x(window.end_s), frame.height, 0.15, "shaded",
            "drain: in no figure");
}

void draw_bins(Svg& svg, const Frame& frame, const Bins& bins, const char* css_class, const std::string& what) {
  std::vector<std::pair<double, double>> path;
  for (size_t i = 0; i < bins.values.size(); ++i) {
    const double middle_s = bins.begin_s + bins.width_s * (static_cast<double>(i) + 0.5);
    path.emplace_back(frame.x(middle_s), frame.y(bins.values[i]));
  }
  svg.polyline(path, css_class, what);
}

Bins as_rates(Bins bins) {
  for (double& value : bins.values) value /= bins.width_s;
  return bins;
}

Bins in_flight_over(const LoadRun& run, Bins bins) {
  const InFlight in_flight(run, InFlight::From::kDue);
  for (size_t i = 0; i < bins.values.size(); ++i) {
    const double from_s = bins.begin_s + bins.width_s * static_cast<double>(i);
    bins.values[i] = in_flight.mean(from_s, from_s + bins.width_s);
  }
  return bins;
}

}  // namespace

std::string throughput_chart(const std::vector<JudgedPoint>& points) {
  std::vector<std::pair<double, Estimate>> estimates;
  double most = 0;
  for (const JudgedPoint& point : points) {
    estimates.emplace_back(point.figures.due_rps, point.figures.output_tok_s);
    most = std::max(most, upper_end(point.figures.output_tok_s));
  }
  Svg svg(kWidth, kHeight, "output tokens/s against arrivals");
  const Frame frame{most_arrivals(points), positive(1.08 * most)};
  draw_axes(svg, frame, "output tokens/s", "arrivals, requests/s");
  draw_estimates(svg, frame, estimates, "first", "output tokens/s");
  return svg.element();
}

std::string ttft_chart(const std::vector<JudgedPoint>& points, double limit_s) {
  std::vector<std::pair<double, Estimate>> median, tail;
  double most = limit_s;
  for (const JudgedPoint& point : points) {
    const Figures& f = point.figures;
    median.emplace_back(f.due_rps, f.ttft.at(0.5).estimate);
    tail.emplace_back(f.due_rps, f.ttft.at(0.95).estimate);
    most = std::max({most, upper_end(median.back().second), upper_end(tail.back().second)});
  }
  Svg svg(kWidth, kHeight, "TTFT against arrivals");
  const Frame frame{most_arrivals(points), positive(1.08 * most)};
  draw_axes(svg, frame, "TTFT from when a request was due, s", "arrivals, requests/s");
  if (limit_s > 0) svg.line(kLeft, frame.y(limit_s), kWidth - kRight, frame.y(limit_s), "margin");
  draw_key(svg, "p50", "p95");
  draw_estimates(svg, frame, median, "first", "TTFT p50, s");
  draw_estimates(svg, frame, tail, "second", "TTFT p95, s", 4);
  return svg.element();
}

std::string cdf_chart(const std::string& title, const CdfSeries& first, const CdfSeries& second) {
  double most = 0;
  for (const CdfSeries* series : {&first, &second}) {
    for (const double value : series->values) most = std::max(most, value);
  }
  Svg svg(kWidth, kHeight, title);
  const Frame frame{positive(most), 1};
  draw_axes(svg, frame, title, "s");
  if (!second.values.empty()) draw_key(svg, first.label, second.label);
  svg.polyline(cdf_path(frame, first.values), "first", first.label);
  svg.polyline(cdf_path(frame, second.values), "second", second.label);
  return svg.element();
}

std::string ttft_cdf_chart(const LoadRun& run, const SteadyWindow& window) {
  return cdf_chart("TTFT: share of requests", {"from due", latencies(run, window, ttft_s)},
                   {"from sent", latencies(run, window, ttft_sent_s)});
}

std::string timeline_chart(const LoadRun& run, const SteadyWindow& window) {
  constexpr size_t kBins = 120;
  constexpr double kPanel = 100, kGap = 36;
  const double end_s = positive(last_end_s(run));
  const Bins bins = make_bins(0, end_s, kBins);
  const std::pair<const char*, Bins> panels[] = {{"in flight", in_flight_over(run, bins)},
                                                 {"arrivals/s", as_rates(arrivals_over(run, bins))},
                                                 {"output tokens/s", as_rates(output_tokens_over(run, bins))}};
  Svg svg(kWidth, kTop + 3 * (kPanel + kGap) + kBottom, "the run over time");
  double top = kTop;
  for (const auto& [title, series] : panels) {
    const double most = *std::max_element(series.values.begin(), series.values.end());
    const Frame frame{end_s, positive(1.08 * most), top, kPanel};
    draw_shades(svg, frame, window);
    draw_axes(svg, frame, title, &series == &panels[2].second ? "s since the start" : "");
    draw_bins(svg, frame, series, "first", title);
    top += kPanel + kGap;
  }
  return svg.element();
}

}  // namespace drawbridge
