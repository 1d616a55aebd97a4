// The walk over a sequence, forward and backward, for any cell. A cell is a struct of constants and two functions on a panel of units:
//   gates     blocks of `units` columns of the kernels
//   saved, dz widths of the rows of `saved` and of the gate gradients, in units
//   two_products  the reset gate stands between two recurrent products
//   carries   dh reaches the step before by another way than the recurrent product
//   input[], recurrent[]   which columns of dz belong to which columns of the two kernels; the product dz U^T takes the first `gates`
//   forward   gates, states and output of the units of a panel from the products x W and h U
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
  int64_t unit_width, width;  // units of a panel, row of the products
  const T *bias, *bias_q;     // null: none; bias_q (gru) goes to the product that the reset gate scales
  T* saved;
  int64_t saved_stride;
  const T *h_prev, *c_prev;
  int64_t c_stride;
  T* h;
  const uint8_t* mask;
  int64_t mask_stride;
  [[nodiscard]] NACRE_INLINE bool masked(int64_t row) const { return mask && !mask[row * mask_stride]; }
  // x W + h U + b of a gate.
  template <bool Full>
  [[nodiscard]] NACRE_INLINE Packet<T> sum(const T* product, const T* input, int64_t gate, int64_t u, Part<T, Full> part) const {
    const Packet<T> v = Packet<T>::load(product + gate * unit_width) + Packet<T>::load(input + gate * unit_width);
    return bias ? v + part.load(bias + gate * units + u) : v;
  }
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
using ForwardPanel = void (*)(const RnnArgs&, const ForwardStep<T>&, const T* product, const T* input, int64_t u0, int64_t n);
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

// Rows of a chunk of steps whose input products are computed at once: their numbers stay in the L2 cache until the steps need them.
constexpr int64_t kChunkBytes = 128 * 1024, kChunkRows = 64;

template <class T, class Cell>
struct ForwardParts {
  int packets;  // of units in a panel
  int64_t unit_width, width, panels_count, rows, saved_stride, chunk_steps;
  T *input_panels, *panels, *hidden, *cell, *bias, *own;
  int32_t* first;
  int64_t bytes;

  ForwardParts(const RnnArgs& g, void* scratch) {
    const int64_t nu = g.batch * g.units, lanes = Packet<T>::size;
    packets =
        Cell::gates > 1 ? 1 : choose_packets(g.batch, ceil_div(g.units, lanes));  // from the sizes alone: the cut of K follows it
    unit_width = packets * lanes;
    width = Cell::gates * unit_width;
    panels_count = ceil_div(g.units, unit_width);
    rows = block_rows(g, Cell::gates * g.units, Cell::gates * packets);
    saved_stride = Cell::saved * g.units;
    const int64_t fit = kChunkBytes / int64_t(sizeof(T)) / (panels_count * width);
    chunk_steps = larger(1, smaller(g.steps, larger(16, smaller(kChunkRows, fit)) / rows));
    ScratchParts s{static_cast<char*>(scratch)};
    input_panels = s.take<T>(panels_count * g.inputs * width);
    panels = s.take<T>(panels_count * g.units * width);
    hidden = s.take<T>(2 * nu);
    cell = s.take<T>(Cell::cell_state ? nu : 0);
    bias = s.take<T>(Cell::gates * g.units);
    first = s.take<int32_t>(g.batch);
    own = s.take<T>(g.threads * own_size(g));
    bytes = s.used;
  }
  // A worker's: rows of x, their products with all panels, the product of a step with one.
  [[nodiscard]] int64_t x_size(const RnnArgs& g) const { return round_up(chunk_steps * rows * g.inputs, 16); }
  [[nodiscard]] int64_t inputs_size() const { return panels_count * chunk_steps * rows * width; }
  [[nodiscard]] int64_t own_size(const RnnArgs& g) const {
    return x_size(g) + round_up(inputs_size(), 16) + round_up(rows * width, 16);
  }
};

// The input products of steps s0 .. s1 for a block of rows: [panel][step][row][width].
template <class T, class Cell>
static void input_products(const RnnArgs& g, const ForwardParts<T, Cell>& p, int64_t r0, int64_t rows, int64_t s0, int64_t s1, T* x,
                           T* out) {
  for (int64_t s = s0; s < s1; ++s) {
    for (int64_t i = 0; i < rows; ++i) {
      const T* from = static_cast<const T*>(g.x) + input_row(g, r0 + i, s) * g.inputs;
      copy_run(from, x + ((s - s0) * rows + i) * g.inputs, g.inputs);
    }
  }
  const int64_t all = (s1 - s0) * rows;
  for (int64_t k = 0; k < p.panels_count; ++k) {
    panel_product(static_cast<const T*>(x), g.inputs, all, p.input_panels + k * g.inputs * p.width, g.inputs,
                  static_cast<int>(Cell::gates) * p.packets, out + k * all * p.width);
  }
}

// y of step s from the states h; no output yet is 0.
template <class T>
static void write_outputs(const RnnArgs& g, const int32_t* first, const T* h, int64_t r0, int64_t rows, int64_t s) {
  for (int64_t i = 0; i < rows; ++i) {
    const bool live = !g.mask || first[r0 + i] <= s;
    copy_or_clear<T>(live ? h + i * g.units : nullptr, static_cast<T*>(g.y) + ((r0 + i) * g.steps + s) * g.units, g.units);
  }
}

// f(step, s, inputs, panel stride of the inputs) for the steps s0 .. s1 of a block of rows, their products over x computed beforehand.
template <class T, class Cell, class F>
static void for_steps(const RnnArgs& g, const ForwardParts<T, Cell>& p, int64_t r0, int64_t rows, int64_t s0, int64_t s1, T* own,
                      F&& f) {
  const int64_t units = g.units, all = g.batch * units;
  T *x = own, *inputs = own + p.x_size(g);
  ForwardStep<T> st{};
  st.rows = rows, st.units = units, st.unit_width = p.unit_width, st.width = p.width;
  st.saved_stride = p.saved_stride, st.mask_stride = g.steps;
  if (g.bias) st.bias = static_cast<const T*>(Cell::recurrent_bias ? p.bias : g.bias);
  if (g.bias && Cell::recurrent_bias) st.bias_q = static_cast<const T*>(g.bias) + (2 * Cell::gates - 1) * units;
  for (int64_t c0 = s0; c0 < s1; c0 += p.chunk_steps) {
    const int64_t c1 = smaller(s1, c0 + p.chunk_steps);
    input_products(g, p, r0, rows, c0, c1, x, inputs);
    for (int64_t s = c0; s < c1; ++s) {
      st.saved = static_cast<T*>(g.saved) + (s * g.batch + r0) * p.saved_stride;
      st.h_prev = p.hidden + (s & 1) * all + r0 * units;
      st.h = p.hidden + (~s & 1) * all + r0 * units;
      if (Cell::cell_state) {
        st.c_prev = s > 0 ? st.saved - g.batch * p.saved_stride + Cell::gates * units : p.cell + r0 * units;
        st.c_stride = s > 0 ? p.saved_stride : units;
      }
      st.mask = g.mask ? mask_of_step(g, s) + r0 * g.steps : nullptr;
      f(st, static_cast<const T*>(inputs + (s - c0) * rows * p.width), (c1 - c0) * rows * p.width);
      write_outputs(g, p.first, st.h, r0, rows, s);
    }
  }
}

template <class T, class Cell>
static void forward_block(const RnnArgs& g, const ForwardParts<T, Cell>& p, int64_t r0, int64_t rows, int64_t s0, int64_t s1,
                          T* own) {
  const int64_t units = g.units, panel = units * p.width;
  const ForwardPanel<T> whole = forward_panel<T, Cell>(g, true), part = forward_panel<T, Cell>(g, false);
  T* product = own + p.x_size(g) + round_up(p.inputs_size(), 16);
  for_steps(g, p, r0, rows, s0, s1, own, [&](const ForwardStep<T>& st, const T* inputs, int64_t stride) {
    for (int64_t k = 0; k < p.panels_count; ++k) {
      const int64_t u = k * p.unit_width, n = smaller(p.unit_width, units - u);
      panel_product(st.h_prev, units, rows, p.panels + k * panel, units, static_cast<int>(Cell::gates) * p.packets, product);
      (n % Packet<T>::size == 0 ? whole : part)(g, st, product, inputs + k * stride, u, n);
    }
  });
}

// f(first row, rows, s0, s1, worker) for all blocks and runs of steps.
template <class F>
static void walk(const RnnArgs& g, int64_t rows, int64_t columns, F&& f) {
  const int64_t most = steps_at_once(g, rows, columns);
  for (int64_t s0 = 0; s0 < g.steps; s0 += most) {
    const int64_t s1 = smaller(g.steps, s0 + most);
    auto body = [&](int64_t begin, int64_t end, int worker) {
      for (int64_t b = begin; b < end; ++b) f(b * rows, smaller(rows, g.batch - b * rows), s0, s1, worker);
    };
    parallel_for(ceil_div(g.batch, rows), 1, body, g.threads);
  }
}

// All but the walk and the recurrent panels.
template <class T, class Cell>
static void begin_forward(const RnnArgs& g, const ForwardParts<T, Cell>& p) {
  const int64_t columns = Cell::gates * g.units;
  const T *w = static_cast<const T*>(g.kernel), *b = static_cast<const T*>(g.bias);
  pack_gates(w, g.inputs, g.units, 0, columns, Cell::gates, p.packets, p.input_panels, g.threads);
  // Of all gates but the last both biases are added at once.
  for (int64_t j = 0; b && Cell::recurrent_bias && j < columns; ++j)
    p.bias[j] = j < columns - g.units ? b[j] + b[columns + j] : b[j];
  if (g.mask) first_live(g, p.first);
  copy_or_clear<T>(g.h0, p.hidden, g.batch * g.units);
}

template <class T, class Cell>
static void run_forward(const RnnArgs& g, void* scratch) {
  const ForwardParts<T, Cell> p(g, scratch);
  const int64_t nu = g.batch * g.units, columns = Cell::gates * g.units;
  begin_forward(g, p);
  pack_gates(static_cast<const T*>(g.recurrent), g.units, g.units, 0, columns, Cell::gates, p.packets, p.panels, g.threads);
  if (Cell::cell_state) copy_or_clear<T>(g.c0, p.cell, nu);
  walk(g, p.rows, columns, [&](int64_t r0, int64_t rows, int64_t s0, int64_t s1, int worker) {
    forward_block(g, p, r0, rows, s0, s1, p.own + worker * p.own_size(g));
  });
  copy_run(p.hidden + (g.steps & 1) * nu, static_cast<T*>(g.h), nu);
  if (!Cell::cell_state) return;
  for (int64_t n = 0; n < g.batch; ++n) {
    const T* saved = static_cast<const T*>(g.saved) + ((g.steps - 1) * g.batch + n) * p.saved_stride;
    const T* last = g.steps > 0 ? saved + Cell::gates * g.units : p.cell + n * g.units;
    copy_run(last, static_cast<T*>(g.c) + n * g.units, g.units);
  }
}

// Backward takes the steps in chunks of about this many rows: what is read and written again stays in the cache, and the products for the
// gradients of the kernels sum over one chunk after the other. So the sums follow from the sizes alone.
constexpr int64_t kSumRows = 256;

template <class T, class Cell>
struct BackwardParts {
  int packets, x_packets;  // of units in a panel, and of features in one of the transposed kernel
  int64_t unit_width, rows, dz_stride, columns, chunk_steps;
  int64_t s0 = 0, s1 = 0;    // the steps of the chunk
  T *xt, *h_prev, *rh, *dz;  // of the chunk, time-major; dz has one step more, the one after it. rh: what GruBeforeCell needs
  T *panels, *x_panels, *dc, *carry, *products;
  int32_t* first;
  char* gemm_scratch;
  int64_t bytes;

  BackwardParts(const RnnArgs& g, void* scratch) {
    const int64_t nu = g.batch * g.units;
    columns = Cell::gates * g.units;
    packets = choose_packets(g.batch, ceil_div(g.units, Packet<T>::size));
    unit_width = packets * Packet<T>::size;
    x_packets = choose_packets(g.batch, larger(1, ceil_div(g.inputs, Packet<T>::size)));
    rows = block_rows(g, columns, packets);
    dz_stride = Cell::dz * g.units;
    chunk_steps = smaller(ceil_div(kSumRows, larger(1, g.batch)), steps_at_once(g, g.batch, columns));
    const int64_t chunk = chunk_steps * g.batch;
    ScratchParts s{static_cast<char*>(scratch)};
    xt = s.take<T>(chunk * g.inputs);
    h_prev = s.take<T>(chunk * g.units);
    rh = s.take<T>(Cell::two_products ? chunk * g.units : 0);
    dz = s.take<T>((chunk + g.batch) * dz_stride);
    panels = s.take<T>(packed_panels<T>(g.units, columns, 1, packets));
    x_panels = s.take<T>(g.dx ? packed_panels<T>(g.inputs, columns, 1, x_packets) : 0);
    dc = s.take<T>(Cell::cell_state ? nu : 0);
    carry = s.take<T>(nu);
    first = s.take<int32_t>(g.batch);
    products = s.take<T>(g.threads * product_size());
    int64_t most = 0;
    const int64_t lengths[] = {chunk_steps, g.steps % chunk_steps};
    for (int64_t n : lengths) {
      s1 = n;
      for (const DzColumns& c : Cell::recurrent) most = larger(most, gemm_scratch_bytes(recurrent_product(g, c)));
      for (const DzColumns& c : Cell::input) most = larger(most, gemm_scratch_bytes(kernel_product(g, c)));
    }
    gemm_scratch = s.take<char>(most);
    bytes = s.used;
  }
  [[nodiscard]] int64_t product_size() const { return round_up(rows * larger(unit_width, x_packets * Packet<T>::size), 16); }
  // Row of batch row n in the time-major parts.
  [[nodiscard]] int64_t row(const RnnArgs& g, int64_t s, int64_t n) const { return (s - s0) * g.batch + n; }
  [[nodiscard]] GemmArgs kernel_product(const RnnArgs& g, const DzColumns& c) const {
    T* to = g.dkernel ? static_cast<T*>(g.dkernel) + c.kernel * g.units : nullptr;
    return sum_product(g, g.inputs, xt, c, to);
  }
  [[nodiscard]] GemmArgs recurrent_product(const RnnArgs& g, const DzColumns& c) const {
    T* to = g.drecurrent ? static_cast<T*>(g.drecurrent) + c.kernel * g.units : nullptr;
    return sum_product(g, g.units, Cell::two_products && c.kernel > 0 ? rh : h_prev, c, to);
  }

 private:
  [[nodiscard]] GemmArgs sum_product(const RnnArgs& g, int64_t m, const T* a, const DzColumns& c, T* to) const {
    GemmArgs p = product_args<T>(g, m, c.count * g.units, g.batch * (s1 - s0), a, m, dz ? dz + c.dz * g.units : nullptr, dz_stride,
                                 to, columns);
    p.trans_a = true;
    p.accumulate = s1 < g.steps;
    return p;
  }
};

// x and the states before every step of the chunk.
template <class T, class Cell>
static void copy_chunk(const RnnArgs& g, const BackwardParts<T, Cell>& p) {
  auto body = [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t s = p.s0 + r / g.batch, n = r % g.batch;
      copy_run(static_cast<const T*>(g.x) + input_row(g, n, s) * g.inputs, p.xt + r * g.inputs, g.inputs);
      const bool initial = s == 0 || (g.mask && p.first[n] >= s);
      const T* y = static_cast<const T*>(g.y) + (n * g.steps + s - 1) * g.units;
      const T* h0 = g.h0 ? static_cast<const T*>(g.h0) + n * g.units : nullptr;
      copy_or_clear<T>(initial ? h0 : y, p.h_prev + r * g.units, g.units);
    }
  };
  parallel_for(g.batch * (p.s1 - p.s0), larger(1, 65536 / (g.inputs + g.units)), body, g.threads);
}

template <class T, class Cell>
static void backward_block(const RnnArgs& g, const BackwardParts<T, Cell>& p, int64_t r0, int64_t rows, T* product) {
  const int64_t units = g.units, saved = Cell::saved * units, panel = p.columns * p.unit_width;
  const BackwardPanel<T> whole = backward_panel<T, Cell>(g, true), part = backward_panel<T, Cell>(g, false);
  BackwardStep<T> st{};
  st.rows = rows, st.units = units, st.unit_width = p.unit_width, st.width = p.unit_width;
  st.saved_stride = saved, st.y_stride = g.steps * units, st.dz_stride = p.dz_stride;
  st.mask_stride = g.steps, st.first = p.first + r0;
  st.dc = p.dc + r0 * units;
  st.carry = Cell::carries || g.mask ? p.carry + r0 * units : nullptr;
  for (int64_t s = p.s1 - 1; s >= p.s0; --s) {
    const bool last = s == g.steps - 1;
    const int64_t row = p.row(g, s, r0);
    st.step = s;
    st.dz = p.dz + row * p.dz_stride;
    st.h_prev = p.h_prev + row * units;
    st.saved = static_cast<const T*>(g.saved) + (s * g.batch + r0) * saved;
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
  if (p.s0 > 0) return;
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

// dx of the chunk for a block of rows.
template <class T, class Cell>
static void input_gradient(const RnnArgs& g, const BackwardParts<T, Cell>& p, int64_t r0, int64_t rows, T* product) {
  const int64_t width = p.x_packets * Packet<T>::size;
  for (int64_t j = 0; j < g.inputs; j += width) {
    const int64_t n = smaller(width, g.inputs - j);
    for (int64_t s = p.s0; s < p.s1; ++s) {
      const T *dz = p.dz + p.row(g, s, r0) * p.dz_stride, *panels = p.x_panels;
      for (const DzColumns& c : Cell::input) {
        const int64_t k = c.count * g.units;
        panel_product(dz + c.dz * g.units, p.dz_stride, rows, panels + j * k, k, p.x_packets, product, c.kernel > 0);
        panels += packed_panels<T>(g.inputs, k, 1, p.x_packets);
      }
      for (int64_t i = 0; i < rows; ++i) {
        copy_run(static_cast<const T*>(product) + i * width, static_cast<T*>(g.dx) + input_row(g, r0 + i, s) * g.inputs + j, n);
      }
    }
  }
}

// The chunks from the last one on: block(p, r0, rows, product) gives dz of all its steps, the rest follows from dz.
template <class T, class Cell, class F>
static void walk_back(const RnnArgs& g, BackwardParts<T, Cell> p, F&& block) {
  const int64_t bias_size = (Cell::recurrent_bias ? 2 : 1) * p.columns;
  T* dbias = static_cast<T*>(g.dbias);
  copy_or_clear<T>(nullptr, dbias, bias_size);
  if (g.batch * g.steps == 0) {
    copy_or_clear<T>(nullptr, static_cast<T*>(g.dkernel), g.inputs * p.columns);
    copy_or_clear<T>(nullptr, static_cast<T*>(g.drecurrent), g.units * p.columns);
    return;
  }
  T* to = p.x_panels;
  for (const DzColumns& c : Cell::input) {
    if (!g.dx) break;
    const int64_t k = c.count * g.units;
    pack_transposed(static_cast<const T*>(g.kernel), g.inputs, c.kernel * g.units, k, p.columns, p.x_packets, to, g.threads);
    to += packed_panels<T>(g.inputs, k, 1, p.x_packets);
  }
  if (g.mask) first_live(g, p.first);
  const int64_t step = g.batch * p.dz_stride;
  for (p.s1 = g.steps; p.s1 > 0; p.s1 = p.s0) {
    p.s0 = larger(0, p.s1 - p.chunk_steps);
    if (p.s1 < g.steps) copy_run(p.dz, p.dz + (p.s1 - p.s0) * step, step);
    copy_chunk(g, p);
    auto body = [&](int64_t begin, int64_t end, int worker) {
      T* product = p.products + worker * p.product_size();
      for (int64_t b = begin; b < end; ++b) {
        const int64_t r0 = b * p.rows, rows = smaller(p.rows, g.batch - r0);
        block(p, r0, rows, product);
        if (g.dx) input_gradient(g, p, r0, rows, product);
      }
    };
    parallel_for(ceil_div(g.batch, p.rows), 1, body, g.threads);
    const int64_t rows = g.batch * (p.s1 - p.s0);
    for (const DzColumns& c : Cell::recurrent) gemm(p.recurrent_product(g, c), p.gemm_scratch);
    for (const DzColumns& c : Cell::input) {
      gemm(p.kernel_product(g, c), p.gemm_scratch);
      add_column_sums(p.dz + c.dz * g.units, rows, p.dz_stride, c.count * g.units, dbias + c.kernel * g.units, g.threads);
    }
    if (Cell::recurrent_bias) add_column_sums(p.dz, rows, p.dz_stride, p.columns, dbias + p.columns, g.threads);
  }
}

template <class T, class Cell>
static void run_backward(const RnnArgs& g, void* scratch) {
  const BackwardParts<T, Cell> p(g, scratch);
  const int64_t nu = g.batch * g.units;
  pack_transposed(static_cast<const T*>(g.recurrent), g.units, 0, p.columns, p.columns, p.packets, p.panels, g.threads);
  if (Cell::cell_state) copy_or_clear<T>(g.dc, p.dc, nu);
  if (g.steps == 0) copy_or_clear<T>(g.dh, static_cast<T*>(g.dh0), nu);
  walk_back(g, p, [&](const BackwardParts<T, Cell>& chunk, int64_t r0, int64_t rows, T* product) {
    backward_block(g, chunk, r0, rows, product);
  });
  if (Cell::cell_state) copy_run(p.dc, static_cast<T*>(g.dc0), nu);
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
