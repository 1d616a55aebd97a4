// GRU with the reset before the product, h' = f(x W_h + b_h + (r h) U_h): two products per step, the second needs r of all units.
// Backward: dz = dh (h_before - h'), dp = dh (1 - z) f', d(rh) = dp U_h^T, dr = d(rh) h_before; dh_before = dh z + d(rh) r + (dz, dr) U_zr^T.
#include "nacre/kernels/rnn_drive.h"

namespace nacre {
namespace NACRE_ISA {

namespace {

struct GruBeforeCell {
  static constexpr int64_t gates = 3, saved = 3, dz = 3;
  static constexpr bool carries = true, cell_state = false, recurrent_bias = false, two_products = true;
  static constexpr DzColumns input[] = {{0, 0, 3}}, recurrent[] = {{0, 0, 2}, {2, 2, 1}};
};

template <class T>
using Forward = ForwardParts<T, GruBeforeCell>;
template <class T>
using Backward = BackwardParts<T, GruBeforeCell>;

// f(first unit, units) for the panels of all units, after the product of a with each.
template <class T, class F>
void for_panels(int64_t units, int64_t unit_width, const T* a, int64_t a_stride, int64_t rows, const T* panels, int64_t k,
                int packets, T* product, F&& f) {
  for (int64_t u = 0; u < units; u += unit_width, panels += k * packets * Packet<T>::size) {
    panel_product(a, a_stride, rows, panels, k, packets, product);
    f(u, smaller(unit_width, units - u));
  }
}

// rh: scratch [N, units].
template <class T>
void forward_rows(const RnnArgs& g, const Forward<T>& p, int64_t r0, int64_t rows, int64_t s0, int64_t s1, T* own, T* rh) {
  using P = Packet<T>;
  using Lanes = Part<T, false>;
  const AnyCell k(g);
  const int64_t units = g.units, w = p.unit_width;
  const T* candidate_panels = p.panels + packed_panels<T>(units, units, 2, p.packets);
  T* product = own + p.x_size(g) + round_up(p.inputs_size(), 16);
  rh += r0 * units;
  for_steps(g, p, r0, rows, s0, s1, own, [&](const ForwardStep<T>& st, const T* inputs, int64_t stride) {
    const T* panels = p.panels;
    for_panels(units, w, st.h_prev, units, rows, panels, units, 2 * p.packets, product, [&](int64_t u0, int64_t n) {
      for_packets<T, false>(rows, n, [&](int64_t row, int64_t j, Lanes part) {
        const int64_t u = u0 + j;
        T* v = st.saved + row * p.saved_stride + u;
        const T *a = product + row * 2 * w + j, *b = inputs + u0 / w * stride + row * 3 * w + j;
        const P r = k.gate(st.sum(a, b, 1, u, part));
        part.store(v, k.gate(st.sum(a, b, 0, u, part)));
        part.store(v + units, r);
        part.store(rh + row * units + u, r * part.load(st.h_prev + row * units + u));
      });
    });
    for_panels(units, w, static_cast<const T*>(rh), units, rows, candidate_panels, units, p.packets, product,
               [&](int64_t u0, int64_t n) {
                 for_packets<T, false>(rows, n, [&](int64_t row, int64_t j, Lanes part) {
                   const int64_t u = u0 + j;
                   T* v = st.saved + row * p.saved_stride + u;
                   P x = P::load(product + row * w + j) + P::load(inputs + u0 / w * stride + row * 3 * w + 2 * w + j);
                   if (st.bias) x = x + part.load(st.bias + 2 * units + u);
                   const P candidate = k.act(x), z = part.load(v), before = part.load(st.h_prev + row * units + u);
                   part.store(v + 2 * units, candidate);
                   part.store(st.h + row * units + u, st.masked(row) ? before : fma(z, before - candidate, candidate));
                 });
               });
  });
}

// p.carry holds dh of the step, then of the step before.
template <class T>
void backward_rows(const RnnArgs& g, const Backward<T>& p, int64_t r0, int64_t rows, T* product) {
  using P = Packet<T>;
  using Lanes = Part<T, false>;
  const AnyCell k(g);
  const int64_t units = g.units, w = p.unit_width, d_stride = p.dz_stride;
  const T* candidate_panels = p.panels + packed_panels<T>(units, 2 * units, 1, p.packets);
  T* carry = p.carry + r0 * units;
  for (int64_t s = p.s1 - 1; s >= p.s0; --s) {
    const int64_t at = p.row(g, s, r0);
    const T* saved = static_cast<const T*>(g.saved) + (s * g.batch + r0) * 3 * units;
    const T* h_prev = p.h_prev + at * units;
    T *d = p.dz + at * d_stride, *rh_now = p.rh + at * units;
    const T* dy = g.dy ? static_cast<const T*>(g.dy) + (r0 * g.steps + s) * units : nullptr;
    const uint8_t* mask = g.mask ? mask_of_step(g, s) + r0 * g.steps : nullptr;
    for_packets<T, false>(rows, units, [&](int64_t row, int64_t u, Lanes part) {
      const bool masked = mask && !mask[row * g.steps];
      const T* v = saved + row * 3 * units + u;
      const P z = part.load(v), r = part.load(v + units), candidate = part.load(v + 2 * units);
      const P before = part.load(h_prev + row * units + u);
      P dh = part.load(carry + row * units + u);
      if (dy && !(masked && p.first[r0 + row] >= s)) dh = dh + part.load(dy + row * g.steps * units + u);
      part.store(rh_now + row * units + u, r * before);
      part.store(d + row * d_stride + u, masked ? P::zero() : dh * (before - candidate) * k.gate_slope(z));
      part.store(d + row * d_stride + 2 * units + u, masked ? P::zero() : fnma(dh, z, dh) * k.act_slope(candidate));
      part.store(carry + row * units + u, masked ? dh : dh * z);
    });
    const T* dz = d;
    for_panels(units, w, dz + 2 * units, d_stride, rows, candidate_panels, units, p.packets, product, [&](int64_t u0, int64_t n) {
      for_packets<T, false>(rows, n, [&](int64_t row, int64_t j, Lanes part) {
        const P r = part.load(saved + row * 3 * units + units + u0 + j), drh = P::load(product + row * w + j);
        const bool masked = mask && !mask[row * g.steps];
        T *to = d + row * d_stride + units + u0 + j, *c = carry + row * units + u0 + j;
        part.store(to, masked ? P::zero() : drh * part.load(h_prev + row * units + u0 + j) * k.gate_slope(r));
        part.store(c, fma(drh, r, part.load(c)));
      });
    });
    for_panels(units, w, dz, d_stride, rows, static_cast<const T*>(p.panels), 2 * units, p.packets, product,
               [&](int64_t u0, int64_t n) {
                 for_packets<T, false>(rows, n, [&](int64_t row, int64_t j, Lanes part) {
                   T* c = carry + row * units + u0 + j;
                   part.store(c, part.load(c) + P::load(product + row * w + j));
                 });
               });
  }
}

template <class T>
void forward(const RnnArgs& g, void* scratch) {
  const Forward<T> p(g, scratch);
  T* rh = reinterpret_cast<T*>(static_cast<char*>(scratch) + p.bytes);
  const int64_t nu = g.batch * g.units, columns = 3 * g.units;
  begin_forward(g, p);
  const T* w = static_cast<const T*>(g.recurrent);
  pack_gates(w, g.units, g.units, 0, columns, 2, p.packets, p.panels, g.threads);
  pack_gates(w, g.units, g.units, 2 * g.units, columns, 1, p.packets, p.panels + packed_panels<T>(g.units, g.units, 2, p.packets),
             g.threads);
  walk(g, p.rows, columns, [&](int64_t r0, int64_t rows, int64_t s0, int64_t s1, int worker) {
    forward_rows(g, p, r0, rows, s0, s1, p.own + worker * p.own_size(g), rh);
  });
  copy_run(p.hidden + (g.steps & 1) * nu, static_cast<T*>(g.h), nu);
}

template <class T>
void backward(const RnnArgs& g, void* scratch) {
  const Backward<T> p(g, scratch);
  const int64_t nu = g.batch * g.units, zr = 2 * g.units;
  const T* w = static_cast<const T*>(g.recurrent);
  pack_transposed(w, g.units, 0, zr, p.columns, p.packets, p.panels, g.threads);
  pack_transposed(w, g.units, zr, g.units, p.columns, p.packets, p.panels + packed_panels<T>(g.units, zr, 1, p.packets), g.threads);
  copy_or_clear<T>(g.dh, p.carry, nu);
  walk_back(g, p,
            [&](const Backward<T>& chunk, int64_t r0, int64_t rows, T* product) { backward_rows(g, chunk, r0, rows, product); });
  copy_run(p.carry, static_cast<T*>(g.dh0), nu);
}

// Beside the parts: r h of a step.
template <class T>
int64_t forward_bytes(const RnnArgs& g) noexcept {
  return Forward<T>(g, nullptr).bytes + g.batch * g.units * int64_t(sizeof(T));
}

}  // namespace

RnnTable gru_before_table() {
  RnnTable t;
  t.forward_scratch = [](const RnnArgs& g) noexcept {
    return g.dtype == DType::float64 ? forward_bytes<double>(g) : forward_bytes<float>(g);
  };
  t.backward_scratch = [](const RnnArgs& g) noexcept {
    return g.dtype == DType::float64 ? Backward<double>(g, nullptr).bytes : Backward<float>(g, nullptr).bytes;
  };
  t.forward = [](const RnnArgs& g, void* scratch) noexcept {
    if (g.dtype == DType::float64) return forward<double>(g, scratch);
    forward<float>(g, scratch);
  };
  t.backward = [](const RnnArgs& g, void* scratch) noexcept {
    if (g.dtype == DType::float64) return backward<double>(g, scratch);
    backward<float>(g, scratch);
  };
  return t;
}

}  // namespace NACRE_ISA
}  // namespace nacre
