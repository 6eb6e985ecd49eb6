// The panel products that any instruction set has, to be included by kernels_<isa>.cpp after dot-inl.h and
// quantize-inl.h.
#pragma once

#include "backend/cpu/panel-inl.h"
//
#include "backend/cpu/panel_decode-inl.h"
//
#include "backend/cpu/panel_f32-inl.h"
//
#include "backend/cpu/panel_int8-inl.h"
