// TunedDevice: what a measured plan holds for: times of another CPU, instruction set or number of threads say nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "backend/cpu_device.h"

namespace drawbridge {

struct TunedDevice {
  std::string cpu;  // model name
  std::string isa;
  int64_t n_threads = 0;

  friend auto operator<=>(const TunedDevice&, const TunedDevice&) = default;
};

/// The device that make_cpu_backend makes of these options.
Result<TunedDevice> tuned_device(const CpuOptions& options);
/// "Intel(R) Xeon(R) Processor, avx512, 2 threads".
std::string device_text(const TunedDevice& device);
/// Where a model's own table for the device lies: DIR/tuned/intel-r-xeon-r-processor-avx512-2.jsonl.
std::string default_table_path(const std::string& model_directory, const TunedDevice& device);

}  // namespace drawbridge
