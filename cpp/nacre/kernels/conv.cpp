// conv2d: turns forward and backward-data into ConvMaps (conv_map.h) or, for 1x1 kernels of stride 1, into one matrix product over
// all pixels.
//
// Backward-data of stride s: pixels i of one residue (i + top) mod s meet only the taps p with p * dilation = i + top (mod s);
// among these the output index falls by a constant from tap to tap. Walking the taps backwards gives a plain stride-1 map per
// residue. With stride 1 there is one residue and the map is one of the forward kind, which Winograd serves as well.
#include "nacre/kernels/conv.h"

#include "nacre/kernels/conv_choice.h"
#include "nacre/kernels/conv_map.h"

namespace nacre {
namespace NACRE_ISA {
namespace {

// One pixel = one row of a matrix product.
bool is_product(const ConvArgs& g) {
  return g.kernel_h == 1 && g.kernel_w == 1 && g.stride_h == 1 && g.stride_w == 1 && g.groups == 1 && g.pad_top == 0 &&
         g.pad_left == 0 && g.out_h == g.in_h && g.out_w == g.in_w;
}

GemmArgs product(const ConvArgs& g, bool backward) {
  GemmArgs p;
  p.dtype = g.dtype;
  p.m = g.batch * g.in_h * g.in_w;
  p.n = backward ? g.in_channels : g.out_channels;
  p.k = backward ? g.out_channels : g.in_channels;
  p.trans_b = backward;
  p.a = backward ? g.dy : g.x;
  p.b = g.weight;
  p.c = backward ? g.dx : g.y;
  p.lda = p.k;
  p.ldb = g.out_channels;
  p.ldc = p.n;
  p.bias = g.bias;
  p.activation = g.activation;
  p.after = g.after;
  p.threads = g.threads;
  return p;
}

bool is_depthwise(const ConvArgs& g) { return g.groups > 1 && g.groups == g.in_channels && g.groups == g.out_channels; }

template <class T>
ConvMap<T> forward_map(const ConvArgs& g) {
  ConvMap<T> m{};
  m.h = {g.out_h, g.kernel_h, g.stride_h, g.dilation_h, -g.pad_top, g.in_h};
  m.w = {g.out_w, g.kernel_w, g.stride_w, g.dilation_w, -g.pad_left, g.in_w};
  m.batch = g.batch;
  m.groups = g.groups;
  m.src_channels = g.in_channels / g.groups;
  m.dst_channels = g.out_channels / g.groups;
  m.src = static_cast<const T*>(g.x);
  m.src_pixel = g.in_channels;
  m.src_row = g.in_w * m.src_pixel;
  m.src_image = g.in_h * m.src_row;
  m.dst = static_cast<T*>(g.y);
  m.dst_pixel = g.out_channels;
  m.dst_row = g.out_w * m.dst_pixel;
  m.dst_image = g.out_h * m.dst_row;
  m.weight = static_cast<const T*>(g.weight);
  m.tap_column = m.src_channels * g.out_channels;
  m.tap_row = g.kernel_w * m.tap_column;
  m.tap_group = m.dst_channels;
  m.ldw = g.out_channels;
  m.packed = static_cast<const T*>(g.packed_weight);
  m.bias = static_cast<const T*>(g.bias);
  m.relu = g.activation == Activation::relu;
  m.after = g.after;
  m.threads = g.threads;
  return m;
}

// Pixels residue, residue + stride, ... of the image along one axis, as a map over the outputs. `last_tap` is tap 0 of the map and
// its kernel index falls by `tap_step` from tap to tap.
struct Residue {
  ConvAxis axis;
  int64_t last_tap = 0, tap_step = 1;
};

int64_t common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t r = a % b;
    a = b;
    b = r;
  }
  return a;
}

Residue residue_axis(int64_t residue, int64_t image, int64_t outputs, int64_t kernel, int64_t stride, int64_t dilation,
                     int64_t pad) {
  Residue r;
  r.tap_step = stride / common_divisor(stride, dilation);
  int64_t first = 0;
  while (first < kernel && first < r.tap_step && ((residue + pad - first * dilation) % stride) != 0) ++first;
  const int64_t taps = first >= kernel || first >= r.tap_step ? 0 : (kernel - 1 - first) / r.tap_step + 1;
  r.last_tap = taps > 0 ? first + (taps - 1) * r.tap_step : 0;
  const int64_t count = residue < image ? (image - 1 - residue) / stride + 1 : 0;
  const int64_t origin = taps > 0 ? (residue + pad - r.last_tap * dilation) / stride : 0;  // exact
  r.axis = {count, taps, 1, r.tap_step * dilation / stride, origin, outputs};
  return r;
}

// p + n, or null when the scratch size is asked for before there are pointers.
template <class T>
T* advance(T* p, int64_t n) {
  return p ? p + n : p;
}

template <class T>
ConvMap<T> backward_map(const ConvArgs& g, int64_t residue_h, int64_t residue_w) {
  const Residue h = residue_axis(residue_h, g.in_h, g.out_h, g.kernel_h, g.stride_h, g.dilation_h, g.pad_top);
  const Residue w = residue_axis(residue_w, g.in_w, g.out_w, g.kernel_w, g.stride_w, g.dilation_w, g.pad_left);
  ConvMap<T> m{};
  m.h = h.axis;
  m.w = w.axis;
  if (m.h.taps == 0 || m.w.taps == 0) m.h.taps = m.w.taps = 0;  // pixels that no output meets: zero, plus the bias
  m.batch = g.batch;
  m.groups = g.groups;
  m.src_channels = g.out_channels / g.groups;
  m.dst_channels = g.in_channels / g.groups;
  m.src = static_cast<const T*>(g.dy);
  m.src_pixel = g.out_channels;
  m.src_row = g.out_w * m.src_pixel;
  m.src_image = g.out_h * m.src_row;
  m.dst_pixel = g.in_channels * g.stride_w;
  m.dst_row = g.in_w * g.in_channels * g.stride_h;
  m.dst_image = g.in_h * g.in_w * g.in_channels;
  m.dst = advance(static_cast<T*>(g.dx), (residue_h * g.in_w + residue_w) * g.in_channels);
  const int64_t tap = m.dst_channels * g.out_channels;
  m.weight = advance(static_cast<const T*>(g.weight), (h.last_tap * g.kernel_w + w.last_tap) * tap);
  m.tap_column = -w.tap_step * tap;
  m.tap_row = -h.tap_step * g.kernel_w * tap;
  m.tap_group = m.src_channels;
  m.ldw = g.out_channels;
  m.trans = true;
  m.bias = static_cast<const T*>(g.bias);
  m.relu = g.activation == Activation::relu;
  m.after = g.after;
  m.threads = g.threads;
  return m;
}

// Tiles of a Winograd algorithm, 0 for direct.
int winograd_tile(const ConvArgs& g, ConvPass pass) {
  if (!conv_winograd_fits(g)) return 0;
  switch (choose_conv(g, pass)) {
    case ConvAlgorithm::winograd_2x2: return 2;
    case ConvAlgorithm::winograd_4x4: return 4;
    default: return 0;
  }
}

// `tile` as winograd_tile gives it. A depthwise map's channels lie side by side, as its `groups`.
template <class T>
void run_map(const ConvArgs& g, const ConvMap<T>& m, int tile, void* scratch) {
  if (tile > 0) return winograd_run(m, tile, scratch);
  if (is_depthwise(g)) return depthwise_run(m);
  dense_run(m, scratch);
}

template <class T>
int64_t map_scratch(const ConvArgs& g, const ConvMap<T>& m, int tile) {
  if (tile > 0) return winograd_scratch(m, tile);
  return is_depthwise(g) ? 0 : dense_scratch(m);
}

bool empty(const ConvArgs& g, int64_t h, int64_t w, int64_t channels) { return g.batch == 0 || h == 0 || w == 0 || channels == 0; }

template <class T>
int64_t forward_scratch_of(const ConvArgs& g) {
  return map_scratch(g, forward_map<T>(g), winograd_tile(g, ConvPass::forward));
}
template <class T>
void forward_of(const ConvArgs& g, void* scratch) {
  run_map(g, forward_map<T>(g), winograd_tile(g, ConvPass::forward), scratch);
}

template <class T>
int64_t backward_scratch_of(const ConvArgs& g) {
  const int tile = winograd_tile(g, ConvPass::backward_data);
  int64_t most = 0;
  for (int64_t h = 0; h < smaller(g.stride_h, g.in_h); ++h) {
    for (int64_t w = 0; w < smaller(g.stride_w, g.in_w); ++w) most = larger(most, map_scratch(g, backward_map<T>(g, h, w), tile));
  }
  return most;
}

template <class T>
void backward_data_of(const ConvArgs& g, void* scratch) {
  const int tile = winograd_tile(g, ConvPass::backward_data);
  for (int64_t h = 0; h < smaller(g.stride_h, g.in_h); ++h) {
    for (int64_t w = 0; w < smaller(g.stride_w, g.in_w); ++w) run_map(g, backward_map<T>(g, h, w), tile, scratch);
  }
}

int64_t forward_scratch(const ConvArgs& g) noexcept {
  if (empty(g, g.out_h, g.out_w, g.out_channels)) return 0;
  if (is_product(g)) return gemm_scratch_bytes(product(g, false));
  return g.dtype == DType::float64 ? forward_scratch_of<double>(g) : forward_scratch_of<float>(g);
}

int64_t backward_data_scratch(const ConvArgs& g) noexcept {
  if (empty(g, g.in_h, g.in_w, g.in_channels)) return 0;
  if (is_product(g)) return gemm_scratch_bytes(product(g, true));
  return g.dtype == DType::float64 ? backward_scratch_of<double>(g) : backward_scratch_of<float>(g);
}

void forward(const ConvArgs& g, void* scratch) noexcept {
  if (empty(g, g.out_h, g.out_w, g.out_channels)) return;
  if (is_product(g)) return gemm(product(g, false), scratch);
  if (g.dtype == DType::float64) return forward_of<double>(g, scratch);
  forward_of<float>(g, scratch);
}

void backward_data(const ConvArgs& g, void* scratch) noexcept {
  if (empty(g, g.in_h, g.in_w, g.in_channels)) return;
  if (is_product(g)) return gemm(product(g, true), scratch);
  if (g.dtype == DType::float64) return backward_data_of<double>(g, scratch);
  backward_data_of<float>(g, scratch);
}

int weight_tile(const ConvArgs& g) {
  if (g.in_channels == 0 || empty(g, g.out_h, g.out_w, g.out_channels)) return 0;
  return winograd_tile(g, ConvPass::backward_weight);
}

int64_t backward_weight_scratch(const ConvArgs& g) noexcept {
  const int tile = weight_tile(g);
  return tile > 0 ? winograd_weight_scratch(g, tile) : conv_backward_weight_scratch(g);
}

void backward_weight(const ConvArgs& g, void* scratch) noexcept {
  if (const int tile = weight_tile(g); tile > 0) return winograd_weight(g, tile, scratch);
  conv_backward_weight(g, scratch);
}

// Products pack blocks of B as they go, depthwise weights are read as they are.
bool packs_weight(const ConvArgs& g) { return !empty(g, g.out_h, g.out_w, g.out_channels) && !is_product(g) && !is_depthwise(g); }

template <class T>
int64_t packed_bytes_of(const ConvArgs& g) {
  const ConvMap<T> m = forward_map<T>(g);
  const int tile = winograd_tile(g, ConvPass::forward);
  return tile > 0 ? winograd_packed_bytes(m, tile) : dense_packed_bytes(m);
}

template <class T>
void pack_of(const ConvArgs& g, void* packed) {
  const ConvMap<T> m = forward_map<T>(g);
  const int tile = winograd_tile(g, ConvPass::forward);
  if (tile > 0) return winograd_pack(m, tile, packed);
  dense_pack(m, packed);
}

int64_t pack_weight_bytes(const ConvArgs& g) noexcept {
  if (!packs_weight(g)) return 0;
  return g.dtype == DType::float64 ? packed_bytes_of<double>(g) : packed_bytes_of<float>(g);
}

void pack_weight(const ConvArgs& g, void* packed) noexcept {
  if (!packs_weight(g)) return;
  if (g.dtype == DType::float64) return pack_of<double>(g, packed);
  pack_of<float>(g, packed);
}

ConvAlgorithm choose(const ConvArgs& g, ConvPass pass) noexcept { return choose_conv(g, pass); }

}  // namespace

void fill_conv(ConvTable& table) {
  table.forward_scratch = forward_scratch;
  table.backward_data_scratch = backward_data_scratch;
  table.backward_weight_scratch = backward_weight_scratch;
  table.forward = forward;
  table.backward_data = backward_data;
  table.backward_weight = backward_weight;
  table.choose = choose;
  table.pack_weight_bytes = pack_weight_bytes;
  table.pack_weight = pack_weight;
}

}  // namespace NACRE_ISA
}  // namespace nacre
