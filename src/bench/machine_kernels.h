// The inner loops that measure a machine. Each instruction set has its own functions, compiled for it alone and chosen
// by cpuid when the program runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace drawbridge {

/// Instruction sets of this CPU that the kernels here or of the backend can use.
std::vector<std::string> supported_isa();

/// An arithmetic loop that touches no memory: nothing but multiply-accumulate on registers.
struct PeakKernel {
  std::string name;        // "f32 FMA", "bf16 dot", "int8 dot"
  std::string isa;         // "avx512f"
  int64_t operations = 0;  // of one iteration; a multiply and an add are two
  void (*run)(int64_t iterations) = nullptr;
};

/// The widest kernel of each kind of number that this CPU has; f32 always.
std::vector<PeakKernel> peak_kernels();

/// Streams over memory, in floats; counts are multiples of 64, pointers lie on 64 bytes.
struct StreamKernels {
  float (*sum)(const float* a, size_t n) = nullptr;                                      // reads a
  void (*copy)(float* a, const float* b, size_t n) = nullptr;                            // a = b
  void (*triad)(float* a, const float* b, const float* c, float s, size_t n) = nullptr;  // a = b + s c
};

StreamKernels stream_kernels();

}  // namespace drawbridge
