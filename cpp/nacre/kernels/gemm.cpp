// gemm: cuts C into pieces (rows x columns, all of K), one owner each; a piece walks K in blocks of kBlockK, packs its part of B
// once per block into the L2 cache, and runs strips of A rows over the panels of B with the micro-kernel. A is read in place (the next strip's
// rows are fetched ahead), or copied to the L1 cache when it is transposed or its rows fall on the same cache sets.
//
// Order: row strip outside, panel inside, so the strip stays in L1 while B streams from L2 (Goto and van de Geijn 2008 with the
// roles swapped; B needs two loads for 24 fma, which L2 delivers). Small or skinny products skip the copies. What is summed in
// which order follows from m, n, k and the transposes alone.
#include "nacre/kernels/gemm.h"

#include "nacre/kernels/gemm_dot.h"
#include "nacre/kernels/gemm_pack.h"
#include "nacre/kernels/gemm_stream.h"

namespace nacre {
namespace NACRE_ISA {
namespace {

constexpr int64_t kBlockK = 256;
constexpr int64_t kBlockBytes = 512 * 1024;  // packed B of one piece: half of a usual L2
constexpr int64_t kStripPad = 16;            // extra columns of a copied strip: rows do not fall on the same cache sets
constexpr int64_t kCopyPanels = 8;           // panels of B from which a copy of rows that collide in the first cache pays
constexpr int64_t kCopyStrips = 8;           // strips of a transposed A that are copied together: its rows are read in longer runs
constexpr int64_t kWideColumns = 256, kWideRows = 96;
constexpr int64_t kDotBytes = 2 << 20;  // of B for a piece of a matrix-vector product
// Multiply-adds, with whole packets of columns, below which a second thread does not pay: it should get 2 to 3 us to do.
#if defined(NACRE_ISA_SCALAR)
constexpr int64_t kShareWork = 1 << 16;
#else
constexpr int64_t kShareWork = 1 << 18;
#endif
constexpr int64_t kHookBytes =
    128 * 1024;  // of C that go to the hook at once: a part of a usual L2. Smaller parts drive B out of L1 more often
constexpr int64_t kUnitWork = 1 << 16;  // small products of a batch are handed out in groups of about this work

template <class T>
struct Plan {
  bool trans_a, trans_b, accumulate, relu;
  bool swapped, scalar_bias;  // a column of C is computed as a row: a and b change places
  bool dot;                   // both operands run along K
  bool stream;                // few rows, B read once
  bool pack_a, pack_b;        // else read in place
  int64_t copied;             // strips of A copied at a time
  bool share;                 // a second thread pays
  bool fused;                 // the tiles add the bias and apply relu
  int64_t m, n, k, lda, ldb, ldc;
  const T *a, *b, *bias;
  T* c;
  int64_t block_k;
  int packets;            // width of a panel
  int64_t rows, columns;  // of a piece
  int64_t pieces_m, pieces_n, batch;
  int64_t chunk, chunks;  // stream: K is cut into chunks (of so many steps) that are pieces of their own; else 0, 1
  TileHook after;         // pieces are whole rows
};

int64_t batch_count(const GemmArgs& g) {
  int64_t n = 1;
  for (int i = 0; i < g.batch_rank; ++i) n *= g.batch_dims[i];
  return n;
}

// Saturating: only compared with limits.
int64_t work_of(int64_t m, int64_t n, int64_t k) {
  const double w = double(m) * double(n) * double(k);
  return w > 4e18 ? int64_t{1} << 62 : static_cast<int64_t>(w);
}

// Pieces: whole K, at most one block of packed B wide, few enough multiply-adds to end soon, enough of them for the threads.
template <class T>
void choose_pieces(Plan<T>& p, int threads) {
  const int64_t work = work_of(p.m, round_up(p.n, Packet<T>::size), p.k);
  p.share = threads > 1 && double(work) * double(p.batch) >= double(kShareWork);
  if (work < kShareWork && work <= kPieceWork && p.n <= 512) {  // by far the most frequent case
    p.rows = p.m;
    p.columns = p.n;
    p.pieces_m = p.pieces_n = 1;
    return;
  }
  int64_t want = larger(1, ceil_div(work / p.chunks, kPieceWork));
  if (p.share && p.batch * p.chunks < 4 * threads && work >= kShareWork) {
    const int64_t each = larger(1, smaller(4, work / (64 * kForkWork * threads)));  // a few pieces per thread when they are large
    want = larger(want, ceil_div(each * threads, p.batch * p.chunks));
  }
  // Memory sets the pace of few rows, and not the same for all threads: more pieces, which whoever is free takes.
  if (p.share && p.dot) want = larger(want, smaller(8 * threads, work_of(p.n, p.k, int64_t(sizeof(T))) / kDotBytes));
  const int64_t panel = p.packets * Packet<T>::size;
  const int64_t strip = p.dot ? p.m : tile_rows(p.packets);
  const int64_t block = p.pack_b ? larger(panel, kBlockBytes / int64_t(sizeof(T)) / p.block_k / panel * panel)
                                 : larger(panel, round_up(8192 / smaller(p.m, strip), panel));
  const int64_t widest = p.dot ? p.n : block;
  const int64_t panels = ceil_div(p.n, panel), strips = ceil_div(p.m, strip);
  // Cutting N repeats the copies of A's strips, cutting M the packing of B: N first while pieces stay wide, then M, then N again. A hook wants
  // whole rows.
  int64_t cut_n = ceil_div(p.n, widest), cut_m = 1;
  if (!p.pack_b && !p.dot && strips >= 2 * want) {
    cut_m = ceil_div(want, cut_n);
  } else {
    const int64_t wide = p.after ? 1 : p.pack_a ? p.n / kWideColumns : panels;
    cut_n = larger(cut_n, smaller(want, wide));
    if (cut_n < want && p.m >= 2 * kWideRows) cut_m = smaller(ceil_div(want, cut_n), p.m / kWideRows);
    if (cut_n * cut_m < want) cut_n = smaller(ceil_div(want, cut_m), panels);
    if (cut_n * cut_m < want) cut_m = smaller(ceil_div(want, cut_n), strips);
  }
  p.columns = ceil_div(panels, cut_n) * panel;
  p.rows = ceil_div(p.m, cut_m);
  p.pieces_n = ceil_div(p.n, p.columns);
  p.pieces_m = ceil_div(p.m, p.rows);
}

template <class T>
Plan<T> make_plan(const GemmArgs& g) {
  Plan<T> p{};
  p.trans_a = g.trans_a;
  p.trans_b = g.trans_b;
  p.accumulate = g.accumulate;
  p.relu = g.activation == Activation::relu;
  p.m = g.m;
  p.n = g.n;
  p.k = g.k;
  p.lda = g.lda;
  p.ldb = g.ldb;
  p.ldc = g.ldc;
  p.a = static_cast<const T*>(g.a);
  p.b = static_cast<const T*>(g.b);
  p.c = static_cast<T*>(g.c);
  p.bias = static_cast<const T*>(g.bias);
  p.after = g.after;
  p.batch = batch_count(g);
  if (p.n == 1 && p.m > 1 && p.ldc == 1) {  // a column: C^T = B^T A^T is one row
    p.m = g.n;
    p.n = g.m;
    p.a = static_cast<const T*>(g.b);
    p.b = static_cast<const T*>(g.a);
    p.lda = g.ldb;
    p.ldb = g.lda;
    p.trans_a = !g.trans_b;
    p.trans_b = !g.trans_a;
    p.ldc = p.n;
    p.swapped = true;
    p.scalar_bias = p.bias != nullptr;
  }
  if (p.m == 1 && p.trans_a && (p.lda == 1 || p.k == 1)) p.trans_a = false;
  constexpr int64_t lanes = Packet<T>::size;
  p.dot = p.m <= kDotRows && !p.trans_a && p.trans_b;
  const int64_t wide = ceil_div(p.n, lanes);
  p.packets = p.dot ? 1 : choose_packets(p.m, wide);
  const int64_t strips = ceil_div(p.m, tile_rows(p.packets));
  const bool small_b = work_of(p.n, p.k, 1) <= 32768;
  // Reading B in place costs nothing until its rows lie pages apart, or so many strips pass over it that straight runs win.
  const bool near_rows = p.ldb * int64_t(sizeof(T)) <= 4096 && strips <= 8;
  p.pack_b = !p.dot && (p.trans_b || !(small_b || near_rows || strips <= 2));
  p.pack_a = !p.dot && wide > 2 * p.packets && work_of(p.m, p.k, 1) > 4096 && p.m > tile_rows(4) &&
             (p.trans_a || (wide > kCopyPanels * p.packets && rows_collide(p.lda * int64_t(sizeof(T)), tile_rows(p.packets))));
  p.copied = p.trans_a ? kCopyStrips : 1;
  p.stream = !p.dot && !p.pack_b && !small_b && p.m <= kStreamRows;
  p.fused = p.bias && !p.scalar_bias && !p.trans_a && !p.dot && !p.stream && p.k > 0;
  const int64_t blocks = ceil_div(p.k, kBlockK);
  p.block_k = larger(1, p.dot ? p.k : ceil_div(p.k, larger(blocks, 1)));
  p.chunk = p.stream && p.batch == 1 ? stream_chunk<T>(p.n, p.k) : 0;
  p.chunks = p.chunk > 0 ? ceil_div(p.k, p.chunk) : 1;
  if (p.m > 0 && p.n > 0) choose_pieces(p, g.threads);
  return p;
}

template <class T>
int64_t strip_size(const Plan<T>& p) {
  return round_up(tile_rows(p.packets) * (p.block_k + kStripPad), 64);
}
// Of the strips of A that are copied together.
template <class T>
int64_t strip_elements(const Plan<T>& p) {
  return p.pack_a ? p.copied * strip_size(p) : 0;
}

template <class T>
int64_t worker_bytes(const Plan<T>& p) {
  int64_t n = strip_elements(p);
  if (p.pack_b) n += p.block_k * round_up(smaller(p.columns, p.n), Packet<T>::size);
  return round_up(n * int64_t(sizeof(T)), 64);
}

// Sums of the chunks of K after the first, which goes to C; shared by the workers.
template <class T>
int64_t chunk_bytes(const Plan<T>& p) {
  return (p.chunks - 1) * p.m * p.n * int64_t(sizeof(T));
}

template <class T>
int64_t scratch_of(const Plan<T>& p, int threads) {
  return worker_bytes(p) * threads + chunk_bytes(p);
}

template <class T>
void finish(const Plan<T>& p, T* c, int64_t m0, int64_t rows, int64_t n0, int64_t columns) {
  T* block = c + m0 * p.ldc + n0;
  if (!p.scalar_bias) return finish_block(block, p.ldc, rows, columns, p.bias ? p.bias + n0 : nullptr, p.relu);
  const Packet<T> bias = Packet<T>::set1(p.bias[0]), zero = Packet<T>::zero();
  const auto act = [&](Packet<T> v) { return p.relu ? select(lt(v, zero), zero, v) : v; };
  int64_t j = 0;
  for (; j + Packet<T>::size <= columns; j += Packet<T>::size)
    act(Packet<T>::load(block + j) + bias).store(block + j);  // one row here
  if (const int n = static_cast<int>(columns - j); n > 0) act(Packet<T>::load_n(block + j, n) + bias).store_n(block + j, n);
}

// What follows the sums of these rows and columns; whole rows if there is a hook.
template <class T>
__attribute__((noinline)) void complete(const Plan<T>& p, T* c, int64_t m0, int64_t rows, int64_t n0, int64_t columns) {
  if (!p.fused) finish(p, c, m0, rows, n0, columns);
  T* at = c + m0 * p.ldc + n0;
  p.after(at - p.c, rows * columns, at);
}

// One strip of rows over all panels of a block of B. `b` is packed, or B in place. `next`, if any, is the strip of A that comes
// after this one: its rows lie far apart, so it is fetched a line per row and panel while the panels run. `bias`, if any, is the block's.
template <class T>
NACRE_INLINE void run_strip(const Plan<T>& p, TileJob<T>& job, const T* b, int64_t rows, int64_t columns, T* c, const T* next,
                            const T* bias) {
  constexpr int64_t lanes = Packet<T>::size, line = 64 / int64_t(sizeof(T));
  const int64_t panel = p.packets * lanes;
  int64_t at = 0;
  for (int64_t j = 0; j < columns; j += panel) {
    if (next && at < job.kc) {
      for (int64_t i = 0; i < rows; ++i) __builtin_prefetch(next + i * p.lda + at);
      at += line;
    }
    const int64_t width = smaller(panel, columns - j), packets = ceil_div(width, lanes);
    job.last = static_cast<int>(width - (packets - 1) * lanes);
    job.b = p.pack_b ? b + j * job.kc : b + j;
    job.b_stride = p.pack_b ? packets * lanes : p.ldb;
    job.c = c + j;
    if (bias) job.bias = bias + j;
    find_tile(p.b, p.trans_a, !p.pack_b && job.last < lanes, rows, packets)(job);
  }
}

// Copies `strips` strips of A: strip_begin's rows of a strip, a strip_size apart.
template <class T>
void copy_strips(const Plan<T>& p, const T* a, int64_t rows, int64_t strips, int64_t kc, T* out) {
  using P = Packet<T>;
  const int64_t size = strip_size(p), fewer = rows / strips, more = rows % strips;
  if (!p.trans_a) {
    for (int64_t s = 0; s < strips; ++s, out += size) {
      for (int64_t i = 0; i < fewer + (s < more); ++i, a += p.lda) copy_run(a, out + i * (p.block_k + kStripPad), kc);
    }
    return;
  }
  // Numbers of each of kc rows of a, side by side; 4 rows of all strips at a time. Whole packets, of which the next row overwrites what is too
  // much, until the last rows: writing a part of a packet takes a multiple of the time.
  const bool whole = fewer + (more > 0) <= P::size && p.lda >= P::size;
  int64_t k = 0;
  for (; whole && k + 7 < kc; k += 4) {
    const T* from = a + k * p.lda;
    for (int64_t s = 0; s < strips; ++s) {
      const int64_t n = fewer + (s < more);
      T* to = out + s * size + k * n;
#pragma GCC unroll 4
      for (int64_t r = 0; r < 4; ++r) P::load(from + r * p.lda).store(to + r * n);
      from += n;
    }
  }
  for (int64_t s = 0; s < strips; ++s) {
    const int64_t n = fewer + (s < more);
    for (int64_t r = k; r < kc; ++r) copy_run(a + r * p.lda, out + s * size + r * n, n);
    a += n;
  }
}

template <class T>
void run_piece(const Plan<T>& p, const T* a, const T* b, T* c, int64_t piece, T* scratch) {
  const int64_t m0 = piece % p.pieces_m * p.rows, n0 = piece / p.pieces_m * p.columns;
  const int64_t rows = smaller(p.rows, p.m - m0), columns = smaller(p.columns, p.n - n0);
  if (p.dot) {
    dot_product(a, p.lda, b + n0 * p.ldb, p.ldb, p.m, columns, p.k, c + n0, p.ldc, 1, p.accumulate);
    return complete(p, c, 0, p.m, n0, columns);
  }
  if (p.stream) {
    stream_product(a, p.trans_a ? 1 : p.lda, p.trans_a ? p.lda : 1, b + n0, p.ldb, p.m, columns, p.k, c + n0, p.ldc, p.accumulate);
    return complete(p, c, 0, p.m, n0, columns);
  }
  T* packed = scratch + strip_elements(p);
  const int64_t strips = ceil_div(rows, tile_rows(p.packets)), run = p.after ? kHookBytes / int64_t(sizeof(T)) : 1;
  int64_t open = m0;  // first row that is not complete
  TileJob<T> job;
  job.c_stride = p.ldc;
  job.relu = p.relu;
  for (int64_t k0 = 0; k0 < p.k; k0 += p.block_k) {
    job.kc = smaller(p.block_k, p.k - k0);
    job.add = p.accumulate || k0 > 0;
    const bool end = k0 + job.kc == p.k;
    const T* block = p.trans_b ? b + n0 * p.ldb + k0 : b + k0 * p.ldb + n0;
    if (p.pack_b) {
      pack_b(block, p.ldb, p.trans_b, job.kc, columns, p.packets, packed, {0, job.kc});
      block = packed;
    }
    for (int64_t s = 0; s < strips; ++s) {
      const int64_t i0 = m0 + strip_begin(rows, strips, s), count = m0 + strip_begin(rows, strips, s + 1) - i0;
      job.a = p.trans_a ? a + k0 * p.lda + i0 : a + i0 * p.lda + k0;
      job.a_stride = p.lda;
      if (p.pack_a) {
        if (s % p.copied == 0) {
          const int64_t together = smaller(p.copied, strips - s);
          copy_strips(p, job.a, m0 + strip_begin(rows, strips, s + together) - i0, together, job.kc, scratch);
        }
        job.a = scratch + s % p.copied * strip_size(p);
        job.a_stride = p.trans_a ? count : p.block_k + kStripPad;
      }
      const T* next = !p.trans_a && s + 1 < strips ? a + (i0 + count) * p.lda + k0 : nullptr;
      run_strip(p, job, block, count, columns, c + i0 * p.ldc + n0, next, end && p.fused ? p.bias + n0 : nullptr);
      if (const int64_t done = i0 + count - open; end && (done * columns >= run || s + 1 == strips)) {
        complete(p, c, open, done, n0, columns);
        open += done;
      }
    }
  }
  if (p.k == 0) {
    for (int64_t i = m0; i < m0 + rows && !p.accumulate; ++i) {
      for (int64_t j = n0; j < n0 + columns; ++j) c[i * p.ldc + j] = T(0);
    }
    complete(p, c, m0, rows, n0, columns);
  }
}

// A chunk of K (the slowest index of u) for a piece's columns.
template <class T>
void run_chunk(const Plan<T>& p, int64_t u, T* sums) {
  const int64_t n0 = u % p.pieces_n * p.columns, columns = smaller(p.columns, p.n - n0), chunk = u / p.pieces_n;
  const int64_t k0 = chunk * p.chunk, k = smaller(p.chunk, p.k - k0);
  const int64_t row_step = p.trans_a ? 1 : p.lda, k_step = p.trans_a ? p.lda : 1;
  T* c = chunk == 0 ? p.c : sums + (chunk - 1) * p.m * p.n;
  stream_product(p.a + k0 * k_step, row_step, k_step, p.b + k0 * p.ldb + n0, p.ldb, p.m, columns, k, c + n0,
                 chunk == 0 ? p.ldc : p.n, chunk == 0 && p.accumulate);
}

template <class T>
void run_chunks(const Plan<T>& p, T* sums, int threads) {
  parallel_for(
      p.pieces_n * p.chunks, 1,
      [&](int64_t begin, int64_t end, int) {
        for (int64_t u = begin; u < end; ++u) run_chunk(p, u, sums);
      },
      threads);
  constexpr int64_t block = 1024;
  parallel_for(
      ceil_div(p.n, block), 1,
      [&](int64_t begin, int64_t end, int) {
        const int64_t n0 = begin * block, columns = smaller(end * block, p.n) - n0;
        add_chunks(p.c + n0, p.ldc, p.m, columns, sums + n0, p.n, p.m * p.n, p.chunks - 1);
        finish(p, p.c, 0, p.m, n0, columns);
      },
      threads);
}

struct BatchOffsets {
  int64_t a = 0, b = 0, c = 0;
};

BatchOffsets batch_offsets(const GemmArgs& g, int64_t index) {
  BatchOffsets o;
  for (int i = g.batch_rank - 1; i >= 0; --i) {
    const int64_t at = index % g.batch_dims[i];
    index /= g.batch_dims[i];
    o.a += at * g.batch_stride_a[i];
    o.b += at * g.batch_stride_b[i];
    o.c += at * g.batch_stride_c[i];
  }
  return o;
}

// A product of one piece and one block of K: strips of tiles, `more` of rows + 1 rows, then `fewer` of rows, each over `panels` whole panels
// and one of the columns that are left.
template <class T>
struct Strips {
  int64_t more = 0, fewer = 0, rows = 0;  // more + fewer == 0: not such a product
  int64_t panels = 0, rest_packets = 0;
  TileFn<T> more_tile = nullptr, fewer_tile = nullptr, more_rest = nullptr, fewer_rest = nullptr;
  int last = 0;  // lanes of the last packet of the columns that are left
};

// A float product ready to run.
template <class T>
struct Ready {
  GemmArgs args;
  Plan<T> plan;
  int64_t units, grain;
  int64_t bytes;  // of a worker
  Strips<T> strips;
  TileHook behind;  // runs over C when all of it is done
};

template <class T>
Strips<T> find_strips(const Plan<T>& p) {
  constexpr int64_t lanes = Packet<T>::size;
  Strips<T> s;
  const bool one = p.batch == 1 && p.pieces_m == 1 && p.pieces_n == 1 && p.chunks == 1;
  if (!one || p.dot || p.stream || p.pack_a || p.k == 0 || p.k > p.block_k) return s;
  const int64_t strips = ceil_div(p.m, tile_rows(p.packets)), panel = p.packets * lanes;
  s.rows = p.m / strips;
  s.more = p.m % strips;
  s.fewer = strips - s.more;
  s.panels = p.n / panel;
  const int64_t rest = p.n - s.panels * panel;
  s.rest_packets = ceil_div(rest, lanes);
  s.last = static_cast<int>(rest - (s.rest_packets - 1) * lanes);
  const auto find = [&](int64_t rows, int64_t packets, bool masked) {
    return rows > 0 && packets > 0 ? find_tile(p.b, p.trans_a, masked, rows, packets) : nullptr;
  };
  const bool masked = !p.pack_b && s.last < lanes;
  s.fewer_tile = find(s.rows, p.packets, false);
  s.fewer_rest = find(s.rows, s.rest_packets, masked);
  if (s.more > 0) s.more_tile = find(s.rows + 1, p.packets, false);
  if (s.more > 0) s.more_rest = find(s.rows + 1, s.rest_packets, masked);
  return s;
}

// As run_piece does it.
template <class T>
void run_strips(const Plan<T>& p, const Strips<T>& s, T* scratch) {
  constexpr int64_t lanes = Packet<T>::size;
  const T* b = p.b;
  if (p.pack_b) {
    pack_b(p.b, p.ldb, p.trans_b, p.k, p.n, p.packets, scratch, {0, p.k});
    b = scratch;
  }
  const int64_t panel = p.packets * lanes, b_step = p.pack_b ? panel * p.k : panel;
  TileJob<T> job;
  job.kc = p.k;
  job.a_stride = p.lda;
  job.c_stride = p.ldc;
  job.add = p.accumulate;
  job.relu = p.relu;
  int64_t open = 0, done = 0;  // rows
  const int64_t whole = p.after ? kHookBytes / int64_t(sizeof(T)) : p.m * p.n;
  const auto run = [&](int64_t count, int64_t rows, TileFn<T> tile, TileFn<T> rest, const T* a, T* c) {
    const int64_t a_step = p.trans_a ? rows : rows * p.lda, c_step = rows * p.ldc;
    for (int64_t i = 0; i < count; ++i, a += a_step, c += c_step) {
      job.a = a;
      job.b = b;
      job.c = c;
      job.bias = p.fused ? p.bias : nullptr;
      job.b_stride = p.pack_b ? panel : p.ldb;
      job.last = lanes;
      for (int64_t j = 0; j < s.panels; ++j) {
        tile(job);
        job.b += b_step;
        job.c += panel;
        if (p.fused) job.bias += panel;
      }
      if (rest) {
        if (p.pack_b) job.b_stride = s.rest_packets * lanes;
        job.last = s.last;
        rest(job);
      }
      done += rows;
      if ((done - open) * p.n < whole && done < p.m) continue;
      complete(p, p.c, open, done - open, 0, p.n);
      open = done;
    }
  };
  if (s.more > 0) run(s.more, s.rows + 1, s.more_tile, s.more_rest, p.a, p.c);
  const int64_t begin = s.more * (s.rows + 1);
  run(s.fewer, s.rows, s.fewer_tile, s.fewer_rest, p.a + (p.trans_a ? begin : begin * p.lda), p.c + begin * p.ldc);
}

template <class T>
Ready<T> make_ready(const GemmArgs& g) {
  Ready<T> r{g, make_plan<T>(g), 0, 1, 0, {}, {}};
  if (g.m == 0 || g.n == 0 || r.plan.batch == 0) return r;
  Plan<T>& p = r.plan;
  if (p.pieces_n > 1 || p.chunks > 1) {
    r.behind = p.after;
    p.after = {};
  }
  const int64_t pieces = p.pieces_m * p.pieces_n, total = work_of(p.m, p.n, p.k);
  r.units = p.batch * pieces;
  r.bytes = worker_bytes(p);
  // Groups of small products; everything inline when a second thread would not pay.
  r.grain = p.share ? larger(1, kUnitWork / larger(1, total / pieces)) : r.units;
  r.strips = find_strips(p);
  return r;
}

template <class T>
void run_product(const Ready<T>& r, void* scratch) {
  const Plan<T>& p = r.plan;
  if (r.strips.fewer > 0) return run_strips(p, r.strips, static_cast<T*>(scratch));
  if (p.chunks > 1) return run_chunks(p, static_cast<T*>(scratch), r.args.threads);
  if (r.units == 1) return run_piece(p, p.a, p.b, p.c, 0, static_cast<T*>(scratch));
  const int64_t pieces = p.pieces_m * p.pieces_n;
  auto body = [&](int64_t begin, int64_t end, int worker) {
    T* own = reinterpret_cast<T*>(static_cast<char*>(scratch) + worker * r.bytes);
    for (int64_t u = begin; u < end; ++u) {
      BatchOffsets o;
      if (r.args.batch_rank > 0) o = batch_offsets(r.args, u / pieces);
      run_piece(p, p.a + (p.swapped ? o.b : o.a), p.b + (p.swapped ? o.a : o.b), p.c + o.c, u % pieces, own);
    }
  };
  parallel_for(r.units, r.grain, body, r.args.threads);
}

template <class T>
void run_ready(const Ready<T>& r, void* scratch) {
  run_product(r, scratch);
  if (!r.behind) return;
  const Plan<T>& p = r.plan;
  constexpr int64_t grain = 16384;  // as for elementwise ops
  parallel_for(
      p.batch * p.m * p.n, grain, [&](int64_t begin, int64_t end, int) { r.behind(begin, end - begin, p.c + begin); },
      r.args.threads);
}

template <class T>
void gemm_float(const GemmArgs& g, void* scratch) {
  if (g.m == 0 || g.n == 0) return;
  run_ready(make_ready<T>(g), scratch);
}

template <class T>
void prepare_float(const GemmArgs& g, PreparedGemm& out) {
  static_assert(sizeof(Ready<T>) <= sizeof(PreparedGemm::state));
  const Ready<T> r = make_ready<T>(g);
  __builtin_memcpy(out.state, &r, sizeof r);
  out.scratch_bytes = scratch_of(r.plan, g.threads);
  out.run = [](const void* state, void* scratch) noexcept { run_ready(*static_cast<const Ready<T>*>(state), scratch); };
}

// Integers: plain loops that wrap around (unsigned arithmetic); their order cannot matter.
template <class T, class U>
void gemm_integer(const GemmArgs& g) {
  const int64_t batch = batch_count(g), units = batch * g.m;
  const int64_t grain = larger(1, kUnitWork / larger(1, work_of(1, g.n, g.k)));
  const bool relu = g.activation == Activation::relu;
  auto body = [&](int64_t begin, int64_t end, int) {
    for (int64_t u = begin; u < end; ++u) {
      const int64_t i = u % g.m;
      const BatchOffsets o = batch_offsets(g, u / g.m);
      const T* a = static_cast<const T*>(g.a) + o.a;
      const T* b = static_cast<const T*>(g.b) + o.b;
      T* c = static_cast<T*>(g.c) + o.c + i * g.ldc;
      for (int64_t j = 0; j < g.n && !g.accumulate; ++j) c[j] = 0;
      for (int64_t k = 0; k < g.k; ++k) {
        const U x = static_cast<U>(g.trans_a ? a[k * g.lda + i] : a[i * g.lda + k]);
        const T* row = g.trans_b ? b + k : b + k * g.ldb;
        const int64_t step = g.trans_b ? g.ldb : 1;
        for (int64_t j = 0; j < g.n; ++j) c[j] = static_cast<T>(static_cast<U>(c[j]) + x * static_cast<U>(row[j * step]));
      }
      const T* bias = static_cast<const T*>(g.bias);
      for (int64_t j = 0; j < g.n; ++j) {
        if (bias) c[j] = static_cast<T>(static_cast<U>(c[j]) + static_cast<U>(bias[j]));
        if (relu && c[j] < 0) c[j] = 0;
      }
    }
  };
  parallel_for(units, grain, body, g.threads);
}

}  // namespace

int64_t gemm_scratch_bytes(const GemmArgs& g) noexcept {
  if (g.m == 0 || g.n == 0 || g.k == 0) return 0;
  if (g.dtype == DType::float32) return scratch_of(make_plan<float>(g), g.threads);
  if (g.dtype == DType::float64) return scratch_of(make_plan<double>(g), g.threads);
  return 0;
}

void gemm(const GemmArgs& g, void* scratch) noexcept {
  switch (g.dtype) {
    case DType::float32: return gemm_float<float>(g, scratch);
    case DType::float64: return gemm_float<double>(g, scratch);
    case DType::int32: return gemm_integer<int32_t, uint32_t>(g);
    case DType::int64: return gemm_integer<int64_t, uint64_t>(g);
    default: return;  // refused by the op
  }
}

void gemm_prepare(const GemmArgs& g, PreparedGemm& out) noexcept {
  out = {};
  switch (g.dtype) {
    case DType::float32: return prepare_float<float>(g, out);
    case DType::float64: return prepare_float<double>(g, out);
    default:
      __builtin_memcpy(out.state, &g, sizeof g);
      out.run = [](const void* state, void* scratch) noexcept { gemm(*static_cast<const GemmArgs*>(state), scratch); };
  }
}

void fill_gemm(GemmTable& table) {
  table.scratch_bytes = gemm_scratch_bytes;
  table.gemm = gemm;
  table.prepare = gemm_prepare;
}

}  // namespace NACRE_ISA
}  // namespace nacre
