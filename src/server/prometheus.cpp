#include "server/prometheus.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace drawbridge {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double value) {
  const auto place = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  ++counts_[static_cast<size_t>(place - bounds_.begin())];
  sum_ += value;
}

void PrometheusText::family(const std::string& name, std::string_view type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void PrometheusText::line(std::string_view suffix, double value, const Labels& labels) {
  text_ += name_;
  text_ += suffix;
  char separator = '{';
  for (const Labels* some : {&std::as_const(common_), &labels}) {
    for (const auto& [key, label] : *some) {
      fmt::format_to(std::back_inserter(text_), "{}{}=\"{}\"", separator, key, escaped(label));
      separator = ',';
    }
  }
  if (separator == ',') text_ += '}';
  fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void PrometheusText::histogram(const Histogram& histogram) {
  int64_t n = 0;
  for (size_t i = 0; i < histogram.bounds().size(); ++i) {
    n += histogram.counts()[i];
    line("_bucket", static_cast<double>(n), {{"le", fmt::format("{}", histogram.bounds()[i])}});
  }
  n += histogram.counts().back();
  line("_bucket", static_cast<double>(n), {{"le", "+Inf"}});
  line("_sum", histogram.sum(), {});
  line("_count", static_cast<double>(n), {});
}

}  // namespace drawbridge
