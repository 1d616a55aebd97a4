// Attention backward. p is recomputed block by block from the scores and lse; with dp = do v^T and ds = scale * p * (dp - delta):
//   dv_j += p_ij^T do_i      dk_j += ds_ij^T q_i      dq_i += ds_ij k_j
// Blocks of scores are held with keys as rows: the two products for a key block, which is in one hand, then read them along their rows.
//
// With enough heads a worker owns a head and forms p and ds once. Otherwise two passes: workers own key blocks (dk, dv), then query
// blocks (dq), at 7/5 of the work. Every cell receives the same terms in the same order both ways, so the bits agree and the choice
// may depend on the number of threads.
#include "nacre/kernels/attention_block.h"

namespace nacre {
namespace NACRE_ISA {

int64_t attention_backward_scratch(const AttentionArgs& g) noexcept;
void attention_backward(const AttentionArgs& g, void* scratch) noexcept;

namespace {

constexpr int64_t kQueryBlock = 64;
constexpr int64_t kQueryUnit = 4 * kQueryBlock;  // queries of a piece of the second pass: they share the packing of the keys
constexpr int64_t kStride = kQueryBlock + kRowPad;
constexpr int64_t kHeadBytes = 32 << 20;  // packed queries and do of a head; larger ones are packed block by block, again and again

template <class T>
struct Layout {  // in elements; shift and delta are shared, the rest is one worker's
  int64_t shift, delta, row_length;
  int64_t queries, keys, values, packed_keys, p, ds, total;
  int64_t key_stride, value_stride;
  int64_t queries_t, douts_t, douts, slot;  // a slot: of a block of queries q^T, do^T, do and, first, q
  bool kept;                                // a slot for each block of queries
  bool copies_keys, copies_values;          // their rows fall on the same cache sets
};

template <class T>
Layout<T> make_layout(const AttentionArgs& g) {
  Layout<T> l{};
  const int64_t q = smaller(kQueryBlock, g.queries), k = smaller(kKeyBlock, g.keys), blocks = ceil_div(g.queries, kQueryBlock);
  l.row_length = blocks * kQueryBlock;
  l.shift = 0;
  l.delta = g.batch * g.heads * l.row_length;
  l.copies_keys = rows_collide(g.k.stride_t * int64_t(sizeof(T)), tile_rows(2));
  l.copies_values = rows_collide(g.v.stride_t * int64_t(sizeof(T)), tile_rows(2));
  l.key_stride = l.copies_keys ? padded<T>(g.width) : g.k.stride_t;
  l.value_stride = l.copies_values ? padded<T>(g.value_width) : g.v.stride_t;
  l.queries_t = round_up(packed_size<T>(q, g.width), 16);
  l.douts = l.queries_t + round_up(packed_size<T>(g.width, q), 16);
  l.douts_t = l.douts + round_up(packed_size<T>(q, g.value_width), 16);
  l.slot = l.douts_t + round_up(packed_size<T>(g.value_width, q), 16);
  const int64_t block_bytes = l.slot * int64_t(sizeof(T));
  l.kept = blocks <= kHeadBytes / larger(1, block_bytes);
  l.queries = 16;  // before it: the head whose queries are packed
  l.keys = l.queries + (l.kept ? blocks : 1) * l.slot;
  l.values = l.keys + (l.copies_keys ? round_up(k * l.key_stride, 16) : 0);
  l.packed_keys = l.values + (l.copies_values ? round_up(k * l.value_stride, 16) : 0);
  l.p = l.packed_keys + round_up(packed_size<T>(k, g.width), 16);
  l.ds = l.p + k * kStride;
  l.total = round_up(l.ds + k * kStride, 16);
  return l;
}

template <class T>
struct Head {
  const AttentionArgs& g;
  const Layout<T>& l;
  int64_t b, h;
  const T* shift;  // of each query: lse, and +inf where that is -inf
  const T* delta;  // times scale
  T* scratch;
};

// A block of queries, packed.
template <class T>
struct QueryBlock {
  int64_t q0, rows;
  PackedBlock<T> q, q_t, dout, dout_t;
};

template <class T>
QueryBlock<T> query_block(const Head<T>& x, int64_t q0, bool pack) {
  const AttentionArgs& g = x.g;
  const int64_t rows = smaller(kQueryBlock, g.queries - q0), keys = smaller(kKeyBlock, g.keys);
  T* slot = x.scratch + x.l.queries + (x.l.kept ? q0 / kQueryBlock : 0) * x.l.slot;
  QueryBlock<T> block{q0,
                      rows,
                      packed_block(rows, g.width, keys, slot),
                      packed_block(g.width, rows, keys, slot + x.l.queries_t),
                      packed_block(rows, g.value_width, keys, slot + x.l.douts),
                      packed_block(g.value_width, rows, keys, slot + x.l.douts_t)};
  if (pack) {
    const T *q = at<T>(g.q, x.b, x.h, q0), *d = at<T>(g.dout, x.b, x.h, q0);
    pack_block(q, g.q.stride_t, false, rows, g.width, keys, slot);
    pack_block(q, g.q.stride_t, true, g.width, rows, keys, slot + x.l.queries_t);
    pack_block(d, g.dout.stride_t, false, rows, g.value_width, keys, slot + x.l.douts);
    pack_block(d, g.dout.stride_t, true, g.value_width, rows, keys, slot + x.l.douts_t);
  }
  return block;
}

template <class T>
void pack_queries(const Head<T>& x) {
  auto& packed_head = *reinterpret_cast<int64_t*>(x.scratch);
  const int64_t head = x.b * x.g.heads + x.h;
  if (!x.l.kept || packed_head == head) return;
  for (int64_t q0 = 0; q0 < x.g.queries; q0 += kQueryBlock) query_block(x, q0, true);
  packed_head = head;
}

// A block of keys: rows of k and v for the scores, k packed for dq.
template <class T>
struct KeyBlock {
  int64_t k0, keys;
  const T *rows, *values;
  PackedBlock<T> packed;
};

template <class T>
KeyBlock<T> key_block(const Head<T>& x, int64_t k0, bool for_dq) {
  const AttentionArgs& g = x.g;
  const int64_t keys = smaller(kKeyBlock, g.keys - k0);
  const T *k = at<T>(g.k, x.b, x.h, k0), *v = at<T>(g.v, x.b, x.h, k0);
  T *own_k = x.scratch + x.l.keys, *own_v = x.scratch + x.l.values;
  if (x.l.copies_keys) copy_rows(k, g.k.stride_t, keys, g.width, own_k, x.l.key_stride);
  if (x.l.copies_values) copy_rows(v, g.v.stride_t, keys, g.value_width, own_v, x.l.value_stride);
  KeyBlock<T> block{k0, keys, x.l.copies_keys ? own_k : k, x.l.copies_values ? own_v : v, {}};
  if (for_dq)
    block.packed = pack_block(k, g.k.stride_t, false, keys, g.width, smaller(kQueryBlock, g.queries), x.scratch + x.l.packed_keys);
  return block;
}

// Keys of the block that any of the queries up to t see.
template <class T>
int64_t seen_keys(const Head<T>& x, const KeyBlock<T>& k, int64_t t) {
  return larger(0, smaller(k.keys, visible_keys(x.g, t) - k.k0));
}

// Queries of the block that come before the first one to see key i of the key block.
template <class T>
int64_t blind_queries(const Head<T>& x, const KeyBlock<T>& k, const QueryBlock<T>& q, int64_t i) {
  return larger(0, smaller(q.rows, first_query(x.g, k.k0 + i) - q.q0));
}

// p and ds of `keys` keys and a block of queries.
template <class T>
void scores(const Head<T>& x, const KeyBlock<T>& k, int64_t keys, const QueryBlock<T>& q) {
  using P = Packet<T>;
  const AttentionArgs& g = x.g;
  T *p = x.scratch + x.l.p, *ds = x.scratch + x.l.ds;
  const auto band = [&](int64_t steps) {
    return [&, steps](int64_t i, int64_t) { return Band{blind_queries(x, k, q, i), q.rows, 0, steps}; };
  };
  block_product(k.rows, x.l.key_stride, false, keys, q.q_t, p, kStride, false, band(g.width));
  block_product(k.values, x.l.value_stride, false, keys, q.dout_t, ds, kStride, false, band(g.value_width));
  bool masked = g.add_mask.data || !(g.scale > 0);
  const auto* mask = static_cast<const uint8_t*>(g.bool_mask.data);
  if (mask && g.bool_mask.stride_q != 0) masked = true;
  const bool of_keys = mask && !masked;  // a mask of keys alone
  if (of_keys) mask += x.b * g.bool_mask.stride_b + x.h * g.bool_mask.stride_h + k.k0 * g.bool_mask.stride_k;
  const P scale = P::set1(static_cast<T>(g.scale)), late = P::set1(late_scale<T>(g));
  const T *shift = x.shift + q.q0, *delta = x.delta + q.q0;
  for (int64_t i = 0; i < keys; ++i, p += kStride, ds += kStride) {
    int64_t blind = blind_queries(x, k, q, i);
    if (of_keys && !mask[i * g.bool_mask.stride_k]) blind = q.rows;
    if (masked) add_masks(g, x.b, x.h, q.q0 + blind, k.k0 + i, 1, 0, q.rows - blind, p + blind);
    // Whole packets: what lies beyond the block's queries is not read.
    for (int64_t j = blind / P::size * P::size; j < q.rows; j += P::size) {
      const P v = exp_score(multiply_add(P::load(p + j), late, -P::load(shift + j)));
      v.store(p + j);
      (v * (P::load(ds + j) * scale - P::load(delta + j))).store(ds + j);
    }
    for (int64_t j = 0; j < blind; ++j) p[j] = ds[j] = T(0);
  }
}

// dq += ds k; the first block of keys begins it.
template <class T>
void add_dq(const Head<T>& x, const KeyBlock<T>& k, const QueryBlock<T>& q) {
  block_product(x.scratch + x.l.ds, kStride, true, q.rows, k.packed, at<T>(x.g.dq, x.b, x.h, q.q0), x.g.dq.stride_t, k.k0 > 0,
                [&](int64_t i, int64_t count) {
                  return Band{0, x.g.width, 0, seen_keys(x, k, q.q0 + i + count - 1)};
                });
}

template <class T>
void clear_rows(T* x, int64_t stride, int64_t rows, int64_t width) {
  for (int64_t i = 0; i < rows; ++i) clear(x + i * stride, width);
}

// dk and dv of one key block; with `with_dq` also its share of every dq row.
template <class T>
void walk_queries(const Head<T>& x, int64_t k0, bool with_dq) {
  const AttentionArgs& g = x.g;
  const Layout<T>& l = x.l;
  const KeyBlock<T> k = key_block(x, k0, with_dq);
  T *dk = at<T>(g.dk, x.b, x.h, k0), *dv = at<T>(g.dv, x.b, x.h, k0);
  const int64_t first = first_query(g, k0), begin = first / kQueryBlock * kQueryBlock;
  if (with_dq && k0 == 0) clear_rows(at<T>(g.dq, x.b, x.h, 0), g.dq.stride_t, smaller(begin, g.queries), g.width);
  if (first >= g.queries) {  // no query sees this block
    clear_rows(dk, g.dk.stride_t, k.keys, g.width);
    clear_rows(dv, g.dv.stride_t, k.keys, g.value_width);
  }
  for (int64_t q0 = begin; q0 < g.queries && first < g.queries; q0 += kQueryBlock) {
    const QueryBlock<T> q = query_block(x, q0, !l.kept);
    const int64_t keys = seen_keys(x, k, q0 + q.rows - 1);
    scores(x, k, keys, q);
    const bool add = q0 > begin;
    if (!add) {
      clear_rows(dk + keys * g.dk.stride_t, g.dk.stride_t, k.keys - keys, g.width);
      clear_rows(dv + keys * g.dv.stride_t, g.dv.stride_t, k.keys - keys, g.value_width);
    }
    const auto band = [&](int64_t width) {
      return [&, width](int64_t i, int64_t) { return Band{0, width, blind_queries(x, k, q, i), q.rows}; };
    };
    block_product(x.scratch + l.p, kStride, false, keys, q.dout, dv, g.dv.stride_t, add, band(g.value_width));
    block_product(x.scratch + l.ds, kStride, false, keys, q.q, dk, g.dk.stride_t, add, band(g.width));
    if (with_dq) add_dq(x, k, q);
  }
}

// Key blocks [begin, end) of a head: dk, dv and their share of dq.
template <class T>
void walk_head(const Head<T>& x, int64_t begin, int64_t end) {
  const AttentionArgs& g = x.g;
  pack_queries(x);
  if (g.keys == 0) clear_rows(at<T>(g.dq, x.b, x.h, 0), g.dq.stride_t, g.queries, g.width);
  for (int64_t k = begin; k < end; ++k) walk_queries(x, k * kKeyBlock, true);
}

// dq of a unit of queries.
template <class T>
void walk_keys(const Head<T>& x, int64_t begin) {
  const AttentionArgs& g = x.g;
  const int64_t end = smaller(g.queries, begin + kQueryUnit), key_end = visible_keys(g, end - 1);
  if (key_end == 0) clear_rows(at<T>(g.dq, x.b, x.h, begin), g.dq.stride_t, end - begin, g.width);
  pack_queries(x);
  for (int64_t k0 = 0; k0 < key_end; k0 += kKeyBlock) {
    const KeyBlock<T> k = key_block(x, k0, true);
    for (int64_t q0 = begin; q0 < end; q0 += kQueryBlock) {
      const QueryBlock<T> q = query_block(x, q0, !x.l.kept);
      scores(x, k, seen_keys(x, k, q0 + q.rows - 1), q);
      add_dq(x, k, q);
    }
  }
}

// shift and delta of query t of head i.
template <class T>
void row_constants(const AttentionArgs& g, const Layout<T>& l, int64_t i, int64_t b, int64_t h, int64_t t, T* shared) {
  using P = Packet<T>;
  const T *o = at<T>(g.o, b, h, t), *d = at<T>(g.dout, b, h, t);
  P sum = P::zero();
  int64_t j = 0;
  for (; j + P::size <= g.value_width; j += P::size) sum = multiply_add(P::load(o + j), P::load(d + j), sum);
  if (const int n = static_cast<int>(g.value_width - j); n > 0) sum = multiply_add(P::load_n(o + j, n), P::load_n(d + j, n), sum);
  const T lse = static_cast<const T*>(g.lse)[i * g.queries + t];
  T *shift = shared + l.shift + i * l.row_length, *delta = shared + l.delta + i * l.row_length;
  shift[t] = lse == -kInfinity<T> ? kInfinity<T> : lse;  // a fully masked row: p = 0
  delta[t] = reduce_add(sum) * static_cast<T>(g.scale);
  for (int64_t pad = g.queries; t == 0 && pad < l.row_length; ++pad) shift[pad] = delta[pad] = T(0);
}

template <class T>
void run(const AttentionArgs& g, void* scratch) {
  const Layout<T> l = make_layout<T>(g);
  T* shared = static_cast<T*>(scratch);
  T* own = shared + l.delta + l.delta;
  const int64_t heads = g.batch * g.heads;
  for (int w = 0; w < g.threads; ++w) *reinterpret_cast<int64_t*>(own + w * l.total) = -1;
  auto head = [&](int64_t i, int worker) {
    return Head<T>{g,
                   l,
                   i / g.heads,
                   i % g.heads,
                   shared + l.shift + i * l.row_length,
                   shared + l.delta + i * l.row_length,
                   own + worker * l.total};
  };
  const double work = double(g.queries) * double(larger(1, g.keys)) * double(g.width + g.value_width) * 2.5;
  const bool small = work * double(heads) < double(kForkWork);
  auto constants = [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin / g.queries, t = begin % g.queries; i * g.queries + t < end; ++i, t = 0) {
      const int64_t last = smaller(g.queries, end - i * g.queries);
      for (; t < last; ++t) row_constants(g, l, i, i / g.heads, i % g.heads, t, shared);
    }
  };
  parallel_for(heads * g.queries, small ? larger(1, heads * g.queries) : 256, constants, g.threads);
  const int64_t key_blocks = ceil_div(g.keys, kKeyBlock), query_units = ceil_div(g.queries, kQueryUnit);
  if (small || heads >= 2 * g.threads || g.threads == 1) {
    // A few key blocks of all heads at a time: a piece ends soon.
    const int64_t pieces = larger(1, static_cast<int64_t>(work / double(kPieceWork))),
                  step = ceil_div(larger(1, key_blocks), pieces);
    for (int64_t k = 0; k == 0 || k < key_blocks; k += step) {
      auto body = [&](int64_t begin, int64_t end, int worker) {
        for (int64_t i = begin; i < end; ++i) walk_head(head(i, worker), k, smaller(key_blocks, k + step));
      };
      parallel_for(heads, small ? larger(1, heads) : 1, body, g.threads);
    }
    return;
  }
  auto keys = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t u = begin; u < end; ++u) {
      const Head<T> x = head(u / key_blocks, worker);
      pack_queries(x);
      walk_queries(x, u % key_blocks * kKeyBlock, false);
    }
  };
  parallel_for(heads * key_blocks, 1, keys, g.threads);
  auto queries = [&](int64_t begin, int64_t end, int worker) {
    for (int64_t u = begin; u < end; ++u) walk_keys(head(u / query_units, worker), u % query_units * kQueryUnit);
  };
  parallel_for(heads * query_units, 1, queries, g.threads);
}

template <class T>
int64_t scratch_of(const AttentionArgs& g) {
  const Layout<T> l = make_layout<T>(g);
  return (2 * l.delta + l.total * g.threads) * int64_t(sizeof(T));
}

}  // namespace

int64_t attention_backward_scratch(const AttentionArgs& g) noexcept {
  return g.dtype == DType::float64 ? scratch_of<double>(g) : scratch_of<float>(g);
}

void attention_backward(const AttentionArgs& g, void* scratch) noexcept {
  if (g.dtype == DType::float64) return run<double>(g, scratch);
  run<float>(g, scratch);
}

}  // namespace NACRE_ISA
}  // namespace nacre
