// 2-D convolution (cross-correlation) and its two gradients, channels last, float32 and float64.
//
//   y [N,OH,OW,Cout],  x [N,H,W,Cin],  weight [KH,KW,Cin/G,Cout]  (Keras layout; output channels of group g are g*Cout/G ...)
//   y[n,i,j,o]     = bias[o] + sum_{p,q,c} x[n, i*sh + p*dh - top, j*sw + q*dw - left, g*Cin/G + c] weight[p,q,c,o]
//   dx             = the transpose of that map applied to dy; it is also the forward pass of a transposed convolution
//   dweight        = sum over n,i,j of x * dy
// 1-D convolutions are called with H = KH = 1. Depthwise is groups = Cin. Empty batches and images are fine.
// Bits do not depend on the number of threads. Inputs and outputs must not overlap.
#pragma once

#include <cstdint>

#include "nacre/base/dtype.h"
#include "nacre/base/threads.h"
#include "nacre/kernels/gemm.h"

namespace nacre {

// How to compute. `automatic` follows from the sizes and the dtype alone (kernels/conv_choice.h), never from threads. Winograd needs a 3x3
// kernel, stride 1, dilation 1 and one group; in tiles of 4x4 outputs it takes 4 times fewer multiplications than the direct sum, in tiles
// of 2x2 2.25 times. It is less exact by a small factor (docs/numerics.md), and one infinite or NaN input reaches all outputs of its tiles.
enum class ConvAlgorithm : std::uint8_t { automatic, direct, winograd_2x2, winograd_4x4 };
enum class ConvPass : std::uint8_t { forward, backward_data, backward_weight };

struct ConvArgs {
  DType dtype = DType::float32;
  std::int64_t batch = 0, in_h = 0, in_w = 0, in_channels = 0;
  std::int64_t out_h = 0, out_w = 0, out_channels = 0;  // as conv_out_size gives, see below
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1;
  std::int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
  std::int64_t groups = 1;                             // divides in_channels and out_channels
  ConvAlgorithm algorithm = ConvAlgorithm::automatic;  // a Winograd only where conv_winograd_fits
  int threads = num_threads();

  const void* x = nullptr;              // read by forward and backward_weight
  const void* weight = nullptr;         // read by forward and backward_data
  const void* packed_weight = nullptr;  // for forward, instead of weight: what pack_weight left
  const void* dy = nullptr;             // read by backward_data and backward_weight
  void* y = nullptr;                    // written by forward
  void* dx = nullptr;                   // written by backward_data
  void* dweight = nullptr;              // written by backward_weight
  // forward: bias [Cout] added to y. backward_data: bias [Cin] added to dx (a transposed convolution's bias). Or null.
  const void* bias = nullptr;
  Activation activation = Activation::none;  // applied by forward and backward_data after the bias
  TileHook after;                            // of y or dx: one group or depthwise, backward_data with stride 1
};

// Number of outputs along one axis: floor((in + pads - dilation*(kernel-1) - 1) / stride) + 1, or 0 when the kernel does not fit.
// A transposed convolution has its *image* as `in` (dx) and its input as `out` (dy).
constexpr std::int64_t conv_out_size(std::int64_t in, std::int64_t kernel, std::int64_t stride, std::int64_t dilation,
                                     std::int64_t pads) {
  const std::int64_t room = in + pads - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

constexpr bool conv_winograd_fits(const ConvArgs& g) {
  return g.kernel_h == 3 && g.kernel_w == 3 && g.stride_h == 1 && g.stride_w == 1 && g.dilation_h == 1 && g.dilation_w == 1 &&
         g.groups == 1;
}

struct ConvTable {
  // Bytes of scratch (64-byte aligned) each function wants for these arguments; pointers are not looked at.
  std::int64_t (*forward_scratch)(const ConvArgs&) noexcept = nullptr;
  std::int64_t (*backward_data_scratch)(const ConvArgs&) noexcept = nullptr;
  std::int64_t (*backward_weight_scratch)(const ConvArgs&) noexcept = nullptr;
  void (*forward)(const ConvArgs&, void* scratch) noexcept = nullptr;
  void (*backward_data)(const ConvArgs&, void* scratch) noexcept = nullptr;
  void (*backward_weight)(const ConvArgs&, void* scratch) noexcept = nullptr;
  // The algorithm that `automatic` stands for; another one is given back as it is.
  ConvAlgorithm (*choose)(const ConvArgs&, ConvPass) noexcept = nullptr;
  // Weights brought to the form that forward works on, for weights that serve many calls: bytes (64-byte aligned; 0: this convolution packs
  // nothing and forward wants `weight`), and the packing. Good for any batch and number of threads, for this algorithm and these other sizes
  // (with `automatic`, the batch decides too: set what `choose` gave). Results are the same bits as without.
  std::int64_t (*pack_weight_bytes)(const ConvArgs&) noexcept = nullptr;
  void (*pack_weight)(const ConvArgs&, void* packed) noexcept = nullptr;
};

}  // namespace nacre
