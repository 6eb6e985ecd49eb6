#include "base/text_table.h"
#include "cost/catalog_report.h"
#include "cost/dollars.h"

namespace drawbridge {
namespace {

/// Numbers the sources that a table names, in the order of first use.
class Sources {
 public:
  std::string mark(const Provenance& from) {
    const std::string line =
        fmt::format("{} ({}, {}{}{})", from.source, from.date, from.mark, from.note.empty() ? "" : "; ", from.note);
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (lines_[i] == line) return fmt::format("[{}]", i + 1);
    }
    lines_.push_back(line);
    return fmt::format("[{}]", lines_.size());
  }
  std::string number(const std::optional<Figure>& figure) {
    return figure ? fmt::format("{:g} {}", figure->value, mark(figure->from)) : "-";
  }
  std::string dollars(const std::optional<Figure>& figure) {
    return figure ? fmt::format("{} {}", format_dollars(figure->value), mark(figure->from)) : "-";
  }
  std::string text() const {
    std::string text;
    for (size_t i = 0; i < lines_.size(); ++i) text += fmt::format("[{}] {}\n", i + 1, lines_[i]);
    return text;
  }

 private:
  std::vector<std::string> lines_;
};

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::string engines_text(const Catalog& catalog, Sources& sources) {
  TextTable table({"<Model", "<Engine", "<Format", "<On"});
  for (const ModelEntry& model : catalog.models()) {
    for (const EngineSupport& engine : model.engines) {
      const std::string on = engine.on.empty() ? "(not said)" : joined(engine.on);
      table.add({model.name, engine.engine, engine.format, on + " " + sources.mark(engine.from)});
    }
  }
  return table.text();
}

std::string api_prices_text(const Catalog& catalog, Sources& sources) {
  TextTable table({"<Model", "<Provider", "input, $/M", "cached", "output"});
  for (const ModelEntry& model : catalog.models()) {
    for (const ApiPrice& price : model.api_prices) {
      table.add({model.name, price.provider, sources.dollars(price.input),
                 price.cached ? format_dollars(price.cached->value) : "-", format_dollars(price.output.value)});
    }
  }
  return table.text();
}

}  // namespace

std::string devices_text(const Catalog& catalog) {
  Sources sources;
  TextTable table(
      {"<Device", "<Vendor", "memory GB", "TB/s", "bf16 TFLOP/s", "fp8", "fp4", "link GB/s", "<", "board W"});
  const auto plain = [](const std::optional<Figure>& f) { return f ? fmt::format("{:g}", f->value) : "-"; };
  for (const Accelerator& a : catalog.accelerators()) {
    table.add({a.name, a.vendor, sources.number(a.memory_gb), plain(a.bandwidth_tb_s), plain(a.bf16_tflops),
               plain(a.fp8_tflops), plain(a.fp4_tflops), plain(a.link_gb_s), a.topology, sources.number(a.power_w)});
  }
  return table.text() + "Peaks are dense; links one way. The first source is that of all figures but the power.\n" +
         sources.text();
}

std::string prices_text(const Catalog& catalog) {
  Sources sources;
  std::vector<std::string> headings = {"<Basis"};
  for (const Accelerator& a : catalog.accelerators()) headings.push_back(a.name);
  TextTable table(std::move(headings));
  std::string titles;
  for (const PriceBasis& basis : catalog.prices()) {
    std::vector<std::string> cells = {basis.name};
    for (const Accelerator& a : catalog.accelerators()) {
      const auto price = basis.dollars_per_hour.find(a.name);
      cells.push_back(price == basis.dollars_per_hour.end() ? "-" : sources.dollars(price->second));
    }
    table.add(std::move(cells));
    titles += fmt::format("{}: {}\n", basis.name, basis.title);
  }
  return "Dollars an hour for one accelerator\n" + table.text() + titles + sources.text();
}

std::string models_text(const Catalog& catalog) {
  Sources sources;
  TextTable table({"<Model", "parameters, 1e9", "active", "context", "<Formats"});
  for (const ModelEntry& model : catalog.models()) {
    const auto plain = [](const std::optional<Figure>& f) { return f ? fmt::format("{:g}", f->value) : "-"; };
    table.add({model.name, sources.number(model.parameters_b), plain(model.active_b),
               model.context_tokens ? fmt::format("{:.0f}", model.context_tokens->value) : "-", joined(model.formats)});
  }
  std::string text = table.text() + "\n" + engines_text(catalog, sources) + "\n" + api_prices_text(catalog, sources);
  return text + "\n" + sources.text();
}

}  // namespace drawbridge
