#include "tuned/device.h"

#include "base/cpu_name.h"

namespace drawbridge {

Result<TunedDevice> tuned_device(const CpuOptions& options) {
  DB_ASSIGN(const CpuDevice device, resolve_cpu_device(options));
  return TunedDevice{cpu_name(), device.isa, device.n_threads};
}

std::string device_text(const TunedDevice& device) {
  return fmt::format("{}, {}, {} thread{}", device.cpu, device.isa, device.n_threads, device.n_threads == 1 ? "" : "s");
}

std::string default_table_path(const std::string& model_directory, const TunedDevice& device) {
  std::string name;
  for (const char c : fmt::format("{}-{}-{}", device.cpu, device.isa, device.n_threads)) {
    const bool upper = c >= 'A' && c <= 'Z', plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (upper || plain) {
      name += upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  return fmt::format("{}/tuned/{}.jsonl", model_directory, name);
}

}  // namespace drawbridge
