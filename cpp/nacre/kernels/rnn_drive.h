// The walk over a sequence, forward and backward, for any cell. A cell is a struct of constants and two functions on a panel of units:
//   gates     blocks of `units` columns of the kernels
//   saved, dz widths of the rows of `saved` and of the gate gradients, in units
//   carries   dh reaches the step before by another way than the recurrent product
//   input[], recurrent[]   which columns of dz belong to which columns of the two kernels; the product dz U^T takes the first `gates`
//   forward   gates, states and output of the units of a panel from x W + b (in z) and the product h U
//   backward  dz and the state gradients of these units from dh, which arrives as the product dz U^T of the step after
#pragma once

#include "nacre/kernels/rnn_block.h"

namespace nacre {
namespace NACRE_ISA {

struct DzColumns {
  int64_t dz, kernel, count;  // in units
};

// One step of one block of rows; all pointers at its first row.
template <class T>
struct ForwardStep {
  int64_t rows, units;
  int64_t unit_width, width;  // units of a panel, row of the product
  T* z;
  int64_t z_stride;
  const T *h_prev, *c_prev;
  int64_t c_stride;
  T* h;
  const T* bias_q;  // gru: of the product that the reset gate scales
  const uint8_t* mask;
  int64_t mask_stride;
  [[nodiscard]] NACRE_INLINE bool masked(int64_t row) const { return mask && !mask[row * mask_stride]; }
};

template <class T>
struct BackwardStep {
  int64_t step, rows, units;
  int64_t unit_width, width;
  const T *saved, *h_prev, *c_prev, *y, *dy;
  int64_t saved_stride, c_stride, y_stride;  // dy lies as y
  T *dz, *dc, *carry;                        // carry null: nothing to carry
  const T* carry_in;                         // null: zeros
  int64_t dz_stride;
  const uint8_t* mask;
  int64_t mask_stride;
  const int32_t* first;
  [[nodiscard]] NACRE_INLINE bool masked(int64_t row) const { return mask && !mask[row * mask_stride]; }
  // dh of a packet; the output of a masked step repeats the last one, so its gradient goes on with dh when there was one.
  template <bool Full>
  [[nodiscard]] NACRE_INLINE Packet<T> dh(int64_t i, int64_t u, Part<T, Full> part, const T* product) const {
    Packet<T> v = Packet<T>::load(product);
    if (carry_in) v = v + part.load(carry_in + i * units + u);
    if (dy && !(masked(i) && first[i] >= step)) v = v + part.load(dy + i * y_stride + u);
    return v;
  }
  // What a masked step does with it.
  template <bool Full>
  NACRE_INLINE void pass(int64_t i, int64_t u, Part<T, Full> part, Packet<T> dh, int64_t dz_width) const {
    for (int64_t k = 0; k < dz_width; ++k) part.store(dz + i * dz_stride + k * units + u, Packet<T>::zero());
    part.store(carry + i * units + u, dh);
  }
};

template <class T>
using ForwardPanel = void (*)(const RnnArgs&, const ForwardStep<T>&, const T* product, int64_t u0, int64_t n);
template <class T>
using BackwardPanel = void (*)(const RnnArgs&, const BackwardStep<T>&, const T* product, int64_t u0, int64_t n);

static inline bool standard(const RnnArgs& g) {
  return g.activation == RnnActivation::tanh && (g.cell == RnnCell::simple || g.recurrent_activation == RnnActivation::sigmoid);
}
template <class T, class Cell>
static ForwardPanel<T> forward_panel(const RnnArgs& g, bool full) {
  if (standard(g)) return full ? &Cell::template forward<T, StandardCell, true> : &Cell::template forward<T, StandardCell, false>;
  return &Cell::template forward<T, AnyCell, false>;
}
template <class T, class Cell>
static BackwardPanel<T> backward_panel(const RnnArgs& g, bool full) {
  if (standard(g)) return full ? &Cell::template backward<T, StandardCell, true> : &Cell::template backward<T, StandardCell, false>;
  return &Cell::template backward<T, AnyCell, false>;
}

template <class T, class Cell>
struct ForwardParts {
  int packets;  // of units in a panel
  int64_t unit_width, width, rows, z_stride;
  T *xt, *z, *panels, *hidden, *cell, *bias, *products;
  int32_t* first;
  char* gemm_scratch;
  int64_t bytes;

  ForwardParts(const RnnArgs& g, void* scratch) {
    const int64_t nt = g.batch * g.steps, nu = g.batch * g.units;
    const int64_t wide = ceil_div(g.units, Packet<T>::size);
    packets = Cell::gates > 1 ? 1 : choose_packets(g.batch, wide);  // from the sizes alone: the cut of K follows from it
    unit_width = packets * Packet<T>::size;
    width = Cell::gates * unit_width;
    rows = block_rows(g, Cell::gates * g.units, Cell::gates * packets);
    z_stride = (Cell::saved ? Cell::saved : 1) * g.units;
    ScratchParts s{static_cast<char*>(scratch)};
    xt = s.take<T>(same_order(g) ? 0 : nt * g.inputs);
    z = s.take<T>(Cell::saved ? 0 : nt * g.units);
    if (Cell::saved) z = static_cast<T*>(g.saved);
    panels = s.take<T>(packed_panels<T>(g.units, g.units, Cell::gates, packets));
    hidden = s.take<T>(2 * nu);
    cell = s.take<T>(nu);
    bias = s.take<T>(Cell::gates * g.units);
    first = s.take<int32_t>(g.batch);
    products = s.take<T>(g.threads * product_size());
    gemm_scratch = s.take<char>(gemm_scratch_bytes(input_product(g)));
    bytes = s.used;
  }
  [[nodiscard]] int64_t product_size() const { return round_up(rows * width, 16); }
  [[nodiscard]] GemmArgs input_product(const RnnArgs& g) const {
    const T* x = same_order(g) ? static_cast<const T*>(g.x) : xt;
    return product_args<T>(g, g.batch * g.steps, Cell::gates * g.units, g.inputs, x, g.inputs, static_cast<const T*>(g.kernel),
                           Cell::gates * g.units, z, z_stride);
  }
};

// y of step s from the states h; no output yet is 0.
template <class T>
static void write_outputs(const RnnArgs& g, const int32_t* first, const T* h, int64_t r0, int64_t rows, int64_t s) {
  for (int64_t i = 0; i < rows; ++i) {
    const bool live = !g.mask || first[r0 + i] <= s;
    copy_or_clear<T>(live ? h + i * g.units : nullptr, static_cast<T*>(g.y) + ((r0 + i) * g.steps + s) * g.units, g.units);
  }
}

template <class T, class Cell>
static void forward_block(const RnnArgs& g, const ForwardParts<T, Cell>& p, int64_t r0, int64_t rows, int64_t s0, int64_t s1,
                          T* product) {
  const int64_t units = g.units, all = g.batch * units, panel = units * p.width;
  const ForwardPanel<T> whole = forward_panel<T, Cell>(g, true), part = forward_panel<T, Cell>(g, false);
  ForwardStep<T> st{};
  st.rows = rows, st.units = units, st.unit_width = p.unit_width, st.width = p.width;
  st.z_stride = p.z_stride, st.mask_stride = g.steps;
  st.bias_q = Cell::recurrent_bias && g.bias ? static_cast<const T*>(g.bias) + (2 * Cell::gates - 1) * units : nullptr;
  for (int64_t s = s0; s < s1; ++s) {
    st.z = p.z + (s * g.batch + r0) * p.z_stride;
    st.h_prev = p.hidden + (s & 1) * all + r0 * units;
    st.h = p.hidden + (~s & 1) * all + r0 * units;
    if (Cell::cell_state) {
      st.c_prev = s > 0 ? st.z - g.batch * p.z_stride + Cell::gates * units : p.cell + r0 * units;
      st.c_stride = s > 0 ? p.z_stride : units;
    }
    st.mask = g.mask ? mask_of_step(g, s) + r0 * g.steps : nullptr;
    for (int64_t u = 0; u < units; u += p.unit_width) {
      const int64_t n = smaller(p.unit_width, units - u);
      panel_product(st.h_prev, units, rows, p.panels + u / p.unit_width * panel, units, static_cast<int>(Cell::gates) * p.packets,
                    product);
      (n % Packet<T>::size == 0 ? whole : part)(g, st, product, u, n);
    }
    write_outputs(g, p.first, st.h, r0, rows, s);
  }
}

// f(first row, rows, s0, s1, worker) for all blocks and runs of steps; `forward` or backward in time.
template <class F>
static void walk(const RnnArgs& g, int64_t rows, int64_t columns, bool forward, F&& f) {
  const int64_t most = steps_at_once(g, rows, columns);
  for (int64_t at = 0; at < g.steps; at += most) {
    const int64_t n = smaller(most, g.steps - at), s0 = forward ? at : g.steps - at - n;
    auto body = [&](int64_t begin, int64_t end, int worker) {
      for (int64_t b = begin; b < end; ++b) f(b * rows, smaller(rows, g.batch - b * rows), s0, s0 + n, worker);
    };
    parallel_for(ceil_div(g.batch, rows), 1, body, g.threads);
  }
}

// All but the walk: the product over the input, the initial states.
template <class T, class Cell>
static void begin_forward(const RnnArgs& g, const ForwardParts<T, Cell>& p) {
  if (!same_order(g)) copy_time_major<T, false>(g, const_cast<T*>(static_cast<const T*>(g.x)), p.xt, g.inputs);
  GemmArgs product = p.input_product(g);
  product.bias = Cell::input_bias(g, p.bias);
  gemm(product, p.gemm_scratch);
  if (g.mask) first_live(g, p.first);
  copy_or_clear<T>(g.h0, p.hidden, g.batch * g.units);
}

template <class T, class Cell>
static void run_forward(const RnnArgs& g, void* scratch) {
  const ForwardParts<T, Cell> p(g, scratch);
  const int64_t nu = g.batch * g.units, columns = Cell::gates * g.units;
  begin_forward(g, p);
  pack_gates(static_cast<const T*>(g.recurrent), g.units, 0, columns, Cell::gates, p.packets, p.panels, g.threads);
  if (Cell::cell_state) copy_or_clear<T>(g.c0, p.cell, nu);
  walk(g, p.rows, columns, true, [&](int64_t r0, int64_t rows, int64_t s0, int64_t s1, int worker) {
    forward_block(g, p, r0, rows, s0, s1, p.products + worker * p.product_size());
  });
  copy_run(p.hidden + (g.steps & 1) * nu, static_cast<T*>(g.h), nu);
  if (!Cell::cell_state) return;
  for (int64_t n = 0; n < g.batch; ++n) {
    const T* last = g.steps > 0 ? p.z + ((g.steps - 1) * g.batch + n) * p.z_stride + Cell::gates * g.units : p.cell + n * g.units;
    copy_run(last, static_cast<T*>(g.c) + n * g.units, g.units);
  }
}

template <class T, class Cell>
struct BackwardParts {
  int packets;
  int64_t unit_width, rows, dz_stride, columns;
  T *xt, *h_prev, *dz, *panels, *dc, *carry, *products;
  int32_t* first;
  char* gemm_scratch;
  int64_t bytes;

  BackwardParts(const RnnArgs& g, void* scratch) {
    const int64_t nt = g.batch * g.steps, nu = g.batch * g.units;
    columns = Cell::gates * g.units;
    packets = choose_packets(g.batch, ceil_div(g.units, Packet<T>::size));
    unit_width = packets * Packet<T>::size;
    rows = block_rows(g, columns, packets);
    dz_stride = Cell::dz * g.units;
    ScratchParts s{static_cast<char*>(scratch)};
    xt = s.take<T>(same_order(g) ? 0 : nt * g.inputs);
    h_prev = s.take<T>(nt * g.units);
    dz = s.take<T>(nt * dz_stride);
    panels = s.take<T>(packed_panels<T>(g.units, columns, 1, packets));
    dc = s.take<T>(Cell::cell_state ? nu : 0);
    carry = s.take<T>(nu);
    first = s.take<int32_t>(g.batch);
    products = s.take<T>(g.threads * product_size());
    int64_t most = 0;
    for (const DzColumns& c : Cell::recurrent) most = larger(most, gemm_scratch_bytes(recurrent_product(g, c)));
    for (const DzColumns& c : Cell::input) {
      most = larger(most, gemm_scratch_bytes(kernel_product(g, c)));
      most = larger(most, gemm_scratch_bytes(x_product(g, c)));
    }
    gemm_scratch = s.take<char>(most);
    bytes = s.used;
  }
  [[nodiscard]] int64_t product_size() const { return round_up(rows * unit_width, 16); }
  [[nodiscard]] GemmArgs kernel_product(const RnnArgs& g, const DzColumns& c) const {
    const T* x = same_order(g) ? static_cast<const T*>(g.x) : xt;
    T* to = g.dkernel ? static_cast<T*>(g.dkernel) + c.kernel * g.units : nullptr;
    GemmArgs p = product_args<T>(g, g.inputs, c.count * g.units, g.batch * g.steps, x, g.inputs, dz ? dz + c.dz * g.units : nullptr,
                                 dz_stride, to, columns);
    p.trans_a = true;
    return p;
  }
  [[nodiscard]] GemmArgs recurrent_product(const RnnArgs& g, const DzColumns& c) const {
    T* to = g.drecurrent ? static_cast<T*>(g.drecurrent) + c.kernel * g.units : nullptr;
    GemmArgs p = product_args<T>(g, g.units, c.count * g.units, g.batch * g.steps, h_prev, g.units,
                                 dz ? dz + c.dz * g.units : nullptr, dz_stride, to, columns);
    p.trans_a = true;
    return p;
  }
  [[nodiscard]] GemmArgs x_product(const RnnArgs& g, const DzColumns& c) const {
    const T* w = g.kernel ? static_cast<const T*>(g.kernel) + c.kernel * g.units : nullptr;
    T* to = same_order(g) ? static_cast<T*>(g.dx) : xt;
    GemmArgs p = product_args<T>(g, g.batch * g.steps, g.inputs, c.count * g.units, dz ? dz + c.dz * g.units : nullptr, dz_stride,
                                 w, columns, to, g.inputs);
    p.trans_b = true;
    p.accumulate = c.kernel > 0;
    return p;
  }
};

// The state before every step, time-major.
template <class T>
static void copy_states(const RnnArgs& g, const int32_t* first, T* out) {
  auto body = [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t s = r / g.batch, n = r % g.batch;
      const bool initial = s == 0 || (g.mask && first[n] >= s);
      const T* y = static_cast<const T*>(g.y) + (n * g.steps + s - 1) * g.units;
      const T* h0 = g.h0 ? static_cast<const T*>(g.h0) + n * g.units : nullptr;
      copy_or_clear<T>(initial ? h0 : y, out + r * g.units, g.units);
    }
  };
  parallel_for(g.batch * g.steps, larger(1, 65536 / g.units), body, g.threads);
}

template <class T, class Cell>
static void backward_block(const RnnArgs& g, const BackwardParts<T, Cell>& p, int64_t r0, int64_t rows, int64_t s0, int64_t s1,
                           T* product) {
  const int64_t units = g.units, saved = Cell::saved * units, panel = p.columns * p.unit_width;
  const BackwardPanel<T> whole = backward_panel<T, Cell>(g, true), part = backward_panel<T, Cell>(g, false);
  BackwardStep<T> st{};
  st.rows = rows, st.units = units, st.unit_width = p.unit_width, st.width = p.unit_width;
  st.saved_stride = saved, st.y_stride = g.steps * units, st.dz_stride = p.dz_stride;
  st.mask_stride = g.steps, st.first = p.first + r0;
  st.dc = p.dc + r0 * units;
  st.carry = Cell::carries || g.mask ? p.carry + r0 * units : nullptr;
  for (int64_t s = s1 - 1; s >= s0; --s) {
    const bool last = s == g.steps - 1;
    const int64_t row = s * g.batch + r0;
    st.step = s;
    st.dz = p.dz + row * p.dz_stride;
    st.h_prev = p.h_prev + row * units;
    st.saved = static_cast<const T*>(g.saved) + row * saved;
    if (Cell::cell_state) {
      st.c_stride = s > 0 ? saved : units;
      st.c_prev = s > 0  ? st.saved - g.batch * saved + Cell::gates * units
                  : g.c0 ? static_cast<const T*>(g.c0) + r0 * units
                         : nullptr;
    }
    const int64_t at = (r0 * g.steps + s) * units;
    st.y = static_cast<const T*>(g.y) + at;
    st.dy = g.dy ? static_cast<const T*>(g.dy) + at : nullptr;
    st.carry_in = !last ? st.carry : g.dh ? static_cast<const T*>(g.dh) + r0 * units : nullptr;
    st.mask = g.mask ? mask_of_step(g, s) + r0 * g.steps : nullptr;
    if (last) copy_or_clear<T>(nullptr, product, rows * p.unit_width);
    for (int64_t u = 0; u < units; u += p.unit_width) {
      const int64_t n = smaller(p.unit_width, units - u);
      if (!last) {
        panel_product(st.dz + g.batch * p.dz_stride, p.dz_stride, rows, p.panels + u / p.unit_width * panel, p.columns, p.packets,
                      product);
      }
      (n % Packet<T>::size == 0 ? whole : part)(g, st, product, u, n);
    }
  }
  if (s0 > 0) return;
  // The gradient of the initial state.
  for (int64_t u = 0; u < units; u += p.unit_width) {
    const int64_t n = smaller(p.unit_width, units - u);
    panel_product(p.dz + r0 * p.dz_stride, p.dz_stride, rows, p.panels + u / p.unit_width * panel, p.columns, p.packets, product);
    for_packets<T, false>(rows, n, [&](int64_t i, int64_t j, Part<T, false> lanes) {
      Packet<T> v = Packet<T>::load(product + i * p.unit_width + j);
      if (st.carry) v = v + lanes.load(st.carry + i * units + u + j);
      lanes.store(static_cast<T*>(g.dh0) + (r0 + i) * units + u + j, v);
    });
  }
}

template <class T, class Cell>
static void begin_backward(const RnnArgs& g, const BackwardParts<T, Cell>& p) {
  if (!same_order(g)) copy_time_major<T, false>(g, const_cast<T*>(static_cast<const T*>(g.x)), p.xt, g.inputs);
  if (g.mask) first_live(g, p.first);
  copy_states(g, p.first, p.h_prev);
}

// The gradients that are one product over all steps: of the kernels, the bias and x.
template <class T, class Cell>
static void finish_backward(const RnnArgs& g, const BackwardParts<T, Cell>& p) {
  const int64_t nt = g.batch * g.steps;
  for (const DzColumns& c : Cell::input) {
    gemm(p.kernel_product(g, c), p.gemm_scratch);
    column_sums(p.dz + c.dz * g.units, nt, p.dz_stride, c.count * g.units, static_cast<T*>(g.dbias) + c.kernel * g.units,
                g.threads);
  }
  if (Cell::recurrent_bias) column_sums(p.dz, nt, p.dz_stride, p.columns, static_cast<T*>(g.dbias) + p.columns, g.threads);
  if (!g.dx) return;
  for (const DzColumns& c : Cell::input) gemm(p.x_product(g, c), p.gemm_scratch);  // over x, which is no longer needed
  if (!same_order(g)) copy_time_major<T, true>(g, static_cast<T*>(g.dx), p.xt, g.inputs);
}

template <class T, class Cell>
static void run_backward(const RnnArgs& g, void* scratch) {
  const BackwardParts<T, Cell> p(g, scratch);
  const int64_t nu = g.batch * g.units;
  begin_backward(g, p);
  pack_transposed(static_cast<const T*>(g.recurrent), g.units, 0, p.columns, p.columns, p.packets, p.panels, g.threads);
  if (Cell::cell_state) copy_or_clear<T>(g.dc, p.dc, nu);
  if (g.steps == 0) copy_or_clear<T>(g.dh, static_cast<T*>(g.dh0), nu);
  walk(g, p.rows, p.columns, false, [&](int64_t r0, int64_t rows, int64_t s0, int64_t s1, int worker) {
    backward_block(g, p, r0, rows, s0, s1, p.products + worker * p.product_size());
  });
  if (Cell::cell_state) copy_run(p.dc, static_cast<T*>(g.dc0), nu);
  for (const DzColumns& c : Cell::recurrent) gemm(p.recurrent_product(g, c), p.gemm_scratch);
  finish_backward(g, p);
}

template <class Cell>
static RnnTable cell_table() {
  RnnTable t;
  t.forward_scratch = [](const RnnArgs& g) noexcept -> int64_t {
    if (g.dtype == DType::float64) return ForwardParts<double, Cell>(g, nullptr).bytes;
    return ForwardParts<float, Cell>(g, nullptr).bytes;
  };
  t.backward_scratch = [](const RnnArgs& g) noexcept -> int64_t {
    if (g.dtype == DType::float64) return BackwardParts<double, Cell>(g, nullptr).bytes;
    return BackwardParts<float, Cell>(g, nullptr).bytes;
  };
  t.forward = [](const RnnArgs& g, void* scratch) noexcept {
    if (g.dtype == DType::float64) return run_forward<double, Cell>(g, scratch);
    run_forward<float, Cell>(g, scratch);
  };
  t.backward = [](const RnnArgs& g, void* scratch) noexcept {
    if (g.dtype == DType::float64) return run_backward<double, Cell>(g, scratch);
    run_backward<float, Cell>(g, scratch);
  };
  return t;
}

}  // namespace NACRE_ISA
}  // namespace nacre
