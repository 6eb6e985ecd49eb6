// Products with int8 inputs for AVX-512 with VNNI, apart from the other AVX-512 kernels: a CPU may lack it.
#include "backend/cpu/vec_avx512.h"
//
#include "backend/cpu/dot-inl.h"
//
#include "backend/cpu/quantize-inl.h"
//
#include "backend/cpu/panels-inl.h"
//
#include "backend/cpu/panel_int8_vnni-inl.h"

namespace drawbridge {

const PanelProduct& avx512_vnni_panels() {
  static constexpr PanelProduct kTable = {"avx512 vnni",   int8_row_bytes,   pack_panel_int8,
                                          vnni_work_bytes, gemm_panels_vnni, VnniProduct<Q8Source>::kColumns};
  return kTable;
}

}  // namespace drawbridge
