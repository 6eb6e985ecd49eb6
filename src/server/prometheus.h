// Prometheus' text format: histograms, and families of samples with their help and type lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drawbridge {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// How many values were at most each bound. Threads: one at a time.
class Histogram {
 public:
  /// Bounds in rising order; a last one, infinity, is always there.
  explicit Histogram(std::vector<double> bounds);

  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  /// Values in (bound before, bound], one more than there are bounds.
  const std::vector<int64_t>& counts() const { return counts_; }
  double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<int64_t> counts_;
  double sum_ = 0;
};

class PrometheusText {
 public:
  /// Labels that every sample carries.
  explicit PrometheusText(Labels common) : common_(std::move(common)) {}

  /// Starts a family, to be followed by its samples. `type` is gauge, counter or histogram.
  void family(const std::string& name, std::string_view type, std::string_view help);
  void sample(double value, const Labels& labels = {}) { line("", value, labels); }
  void histogram(const Histogram& histogram);
  const std::string& text() const { return text_; }

 private:
  void line(std::string_view suffix, double value, const Labels& labels);

  Labels common_;
  std::string name_;  // of the family
  std::string text_;
};

}  // namespace drawbridge
