// e^x of many numbers at once: the library's exp takes them one by one, and a draw asks for up to a vocabulary of them.
//
// In double, in the widest registers that the CPU has. Every number passes through the same products and sums in the
// same order, none of them fused, so that a draw is the same on every CPU.
#pragma once

#include <span>

namespace drawbridge {

/// x[i] = e^x[i], for x[i] <= 0; within 2^-51 of it, 1 for 0, and 0 below -708.
void exponentials(std::span<double> x);
/// The same bits without wide registers.
void exponentials_portable(std::span<double> x);

}  // namespace drawbridge
