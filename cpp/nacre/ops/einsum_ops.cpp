// Einsum: parsing, pairwise contraction by gemm, gradient as einsum.
//
// Every axis gets a label: letters their character, the axes under "..." numbers from kEllipsis, aligned at the last. An operand is reduced over
// labels that nothing else names, then combined with the product so far: labels of both that are still needed are the batch, labels of both
// that are not are contracted, the others are free. With nothing to contract the product is elementwise with broadcasting.
// d operand_k = einsum(dy, the other operands) over the letters of operand k; letters that only operand k has are broadcast.
#include <algorithm>
#include <array>
#include <string>

#include "nacre/kernels/elementwise_drive.h"
#include "nacre/ops/rules.h"

namespace nacre {

namespace op {

namespace {

constexpr int kEllipsis = 200;
using Labels = std::vector<int>;

bool has(const Labels& l, int label) { return std::find(l.begin(), l.end(), label) != l.end(); }

struct Equation {
  std::vector<std::string> terms;  // as written, without blanks
  std::string result;
  std::vector<Labels> labels;  // per operand
  Labels out;
  int ellipsis_rank = 0;
  std::array<Dim, kEllipsis + kMaxRank> sizes{};
};

constexpr std::string_view kName = Einsum::name;

bool is_letter(char ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z'); }

// Number of letters in a term and whether it has an ellipsis; refuses everything else.
struct Term {
  std::string before, after;  // letters on either side of the ellipsis
  bool ellipsis = false;
};
Term read_term(const std::string& term, std::string_view equation) {
  Term t;
  for (std::size_t i = 0; i < term.size(); ++i) {
    if (term.compare(i, 3, "...") == 0) {
      if (t.ellipsis) raise<ValueError>(kName, ": the term '", term, "' of equation '", equation, "' has two ellipses.");
      t.ellipsis = true;
      i += 2;
    } else if (is_letter(term[i])) {
      if ((t.before + t.after).find(term[i]) != std::string::npos) {
        raise<ValueError>(kName, ": letter '", term[i], "' appears twice in the term '", term, "' of equation '", equation,
                          "'. Diagonals are not supported.");
      }
      (t.ellipsis ? t.after : t.before).push_back(term[i]);
    } else {
      raise<ValueError>(kName, ": equation '", equation, "' contains '", term[i], "'. Letters, ',', '->' and '...' are allowed.");
    }
  }
  return t;
}

Labels label(const Term& t, int ellipsis_rank, int total_ellipsis) {
  Labels l;
  for (char ch : t.before) l.push_back(ch);
  for (int i = total_ellipsis - ellipsis_rank; i < total_ellipsis; ++i) l.push_back(kEllipsis + i);
  for (char ch : t.after) l.push_back(ch);
  return l;
}

std::vector<std::string> split(std::string_view text, std::string_view equation, std::string& result, bool& explicit_result) {
  std::string clean;
  for (char ch : text) {
    if (ch != ' ') clean.push_back(ch);
  }
  const std::size_t arrow = clean.find("->");
  explicit_result = arrow != std::string::npos;
  if (explicit_result) {
    result = clean.substr(arrow + 2);
    if (result.find("->") != std::string::npos) raise<ValueError>(kName, ": equation '", equation, "' has two arrows.");
    clean.resize(arrow);
  }
  std::vector<std::string> terms;
  std::size_t begin = 0;
  for (std::size_t comma; (comma = clean.find(',', begin)) != std::string::npos; begin = comma + 1)
    terms.push_back(clean.substr(begin, comma - begin));
  terms.push_back(clean.substr(begin));
  return terms;
}

template <class TypeOf>
Equation parse(std::string_view text, int operands, const TypeOf& type_of) {
  Equation e;
  bool explicit_result = false;
  e.terms = split(text, text, e.result, explicit_result);
  if (static_cast<int>(e.terms.size()) != operands) {
    raise<ValueError>(kName, ": equation '", text, "' has ", e.terms.size(), " terms but ", operands, " operands were given.");
  }
  std::vector<Term> terms;
  std::vector<int> ellipsis_rank;
  for (int k = 0; k < operands; ++k) {
    const Type& type = type_of(k);
    terms.push_back(read_term(e.terms[static_cast<std::size_t>(k)], text));
    const Term& t = terms.back();
    const int letters = static_cast<int>(t.before.size() + t.after.size());
    const int extra = type.shape.rank() - letters;
    if (t.ellipsis ? extra < 0 : extra != 0) {
      raise<ShapeError>(kName, ": the term '", e.terms[static_cast<std::size_t>(k)], "' names ", letters, " axes but operand ", k,
                        " has shape ", type.shape, ".");
    }
    ellipsis_rank.push_back(extra);
    e.ellipsis_rank = std::max(e.ellipsis_rank, extra);
  }
  e.sizes.fill(-1);
  bool any_ellipsis = false;
  for (int k = 0; k < operands; ++k) {
    const auto i = static_cast<std::size_t>(k);
    any_ellipsis |= terms[i].ellipsis;
    e.labels.push_back(label(terms[i], ellipsis_rank[i], e.ellipsis_rank));
    const Shape& shape = type_of(k).shape;
    for (int d = 0; d < shape.rank(); ++d) {
      const int l = e.labels[i][static_cast<std::size_t>(d)];
      Dim& size = e.sizes[static_cast<std::size_t>(l)];
      const bool broadcasts = l >= kEllipsis;
      if (size == -1 || (broadcasts && size == 1))
        size = shape[d];
      else if (size != shape[d] && !(broadcasts && shape[d] == 1)) {
        const std::string what = broadcasts ? std::string("an axis under '...'") : cat("letter '", static_cast<char>(l), "'");
        raise<ShapeError>(kName, ": ", what, " has size ", size, " and ", shape[d], " (operand ", k, " of shape ", shape,
                          ", equation '", text, "'). They must be equal.");
      }
    }
  }
  if (!explicit_result) {  // letters that appear once, in order; broadcast axes first
    if (any_ellipsis) e.result = "...";
    for (int ch = 'A'; ch <= 'z'; ++ch) {
      int times = 0;
      for (const Labels& l : e.labels) times += has(l, ch);
      if (times == 1) e.result.push_back(static_cast<char>(ch));
    }
  }
  const Term result = read_term(e.result, text);
  if (result.ellipsis != any_ellipsis) {
    raise<ValueError>(kName, ": equation '", text, "' has an ellipsis ",
                      any_ellipsis ? "among the terms but not in the result." : "in the result only.");
  }
  e.out = label(result, e.ellipsis_rank, e.ellipsis_rank);
  for (int l : e.out) {
    if (l < kEllipsis && e.sizes[static_cast<std::size_t>(l)] < 0) {
      raise<ValueError>(kName, ": letter '", static_cast<char>(l), "' of the result is in no term of equation '", text, "'.");
    }
  }
  if (e.out.size() > kMaxRank)
    raise<ShapeError>(kName, ": the result of equation '", text, "' has rank ", e.out.size(), ". At most ", kMaxRank, ".");
  return e;
}

// Is a label still read after operand k: by a later operand or the result?
bool needed_after(const Equation& e, std::size_t k, int label) {
  for (std::size_t j = k + 1; j < e.labels.size(); ++j) {
    if (has(e.labels[j], label)) return true;
  }
  return has(e.out, label);
}

// The labels of the product of operands 0..k: those needed later, batch first, then free ones of the left, then of the right.
struct Step {
  Labels batch, left, right, contracted;
};
Step plan_step(const Equation& e, const Labels& so_far, const Labels& next, std::size_t k) {
  Step s;
  for (int l : so_far) {
    if (!has(next, l))
      s.left.push_back(l);
    else if (needed_after(e, k, l))
      s.batch.push_back(l);
    else
      s.contracted.push_back(l);
  }
  for (int l : next) {
    if (!has(so_far, l)) s.right.push_back(l);
  }
  return s;
}
Labels joined(const Labels& a, const Labels& b, const Labels& c = {}) {
  Labels l = a;
  l.insert(l.end(), b.begin(), b.end());
  l.insert(l.end(), c.begin(), c.end());
  return l;
}
// Labels of operand k that nothing else reads are summed away before it is used.
Labels kept_labels(const Equation& e, std::size_t k) {
  Labels kept;
  for (int l : e.labels[k]) {
    bool other = has(e.out, l);
    for (std::size_t j = 0; j < e.labels.size(); ++j) other |= j != k && has(e.labels[j], l);
    if (other) kept.push_back(l);
  }
  return kept;
}

// A tensor with labelled axes.
struct Piece {
  View v;
  Labels labels;
};

View arranged(const Piece& p, const Labels& order, const Equation& e) {  // axes in this order; missing ones and size-1 ones repeat
  View v{{p.v.dtype, {}}};
  v.data = p.v.data;
  for (int l : order) {
    const auto it = std::find(p.labels.begin(), p.labels.end(), l);
    const auto d = static_cast<int>(it - p.labels.begin());
    const Dim size = e.sizes[static_cast<std::size_t>(l)];
    v.strides[v.shape.rank()] = it == p.labels.end() || p.v.shape[d] != size ? 0 : p.v.strides[d];
    v.shape.push_back(size);
  }
  return v;
}

View fresh(const Labels& order, const Equation& e, DType dtype, Context& c) {
  View v{{dtype, {}}};
  for (int l : order) v.shape.push_back(e.sizes[static_cast<std::size_t>(l)]);
  v.set_contiguous_strides();
  v.data = c.scratch(checked_count(kName, v.shape, dtype) * size_of(dtype));
  return v;
}

View compact(const View& x, Context& c) {
  if (x.contiguous()) return x;
  View y{static_cast<const Type&>(x)};
  y.set_contiguous_strides();
  y.data = c.scratch(x.count() * size_of(x.dtype));
  apply_copy(c.kernels.elementwise, x, y);
  return y;
}

Piece load(const Equation& e, std::size_t k, const View& x, DType dtype, Context& c) {
  Piece p{x, e.labels[k]};
  if (x.dtype != dtype) {
    View wide{{dtype, x.shape}};
    wide.set_contiguous_strides();
    wide.data = c.scratch(x.count() * size_of(dtype));
    apply_cast(c.kernels.elementwise, x, wide);
    p.v = wide;
  }
  const Labels kept = kept_labels(e, k);
  if (kept.size() == p.labels.size()) return p;
  ReduceArgs args;
  args.x = p.v.data;
  args.rank = p.v.shape.rank();
  Piece r{{{dtype, {}}}, kept};
  for (int d = 0; d < args.rank; ++d) {
    args.sizes[d] = p.v.shape[d];
    args.strides[d] = p.v.strides[d];
    if (has(kept, p.labels[static_cast<std::size_t>(d)]))
      r.v.shape.push_back(p.v.shape[d]);
    else
      args.axes |= 1u << d;
  }
  r.v.set_contiguous_strides();
  View y = r.v;  // integer sums are written as int64
  y.dtype = is_float(dtype) ? dtype : DType::int64;
  args.y = y.data = c.scratch(y.count() * size_of(y.dtype));
  const ReduceTable& t = c.kernels.reduce;
  t.reduce[static_cast<int>(ReduceKind::sum)][static_cast<int>(dtype)](args,
                                                                       c.scratch(t.reduce_scratch(ReduceKind::sum, dtype, args)));
  r.v.data = y.data;
  if (y.dtype != dtype) {
    r.v.data = c.scratch(r.v.count() * size_of(dtype));
    apply_cast(c.kernels.elementwise, y, r.v);
  }
  return r;
}

Dim count(const Equation& e, const Labels& labels) {
  Dim n = 1;
  for (int l : labels) n *= e.sizes[static_cast<std::size_t>(l)];
  return n;
}

// a and b contracted; the result lands in `target` when that is given (its labels are then batch, left, right).
Piece contract(const Equation& e, const Piece& a, const Piece& b, const Step& s, const View* target, Context& c) {
  Piece y{{}, joined(s.batch, s.left, s.right)};
  y.v = target ? *target : fresh(y.labels, e, a.v.dtype, c);
  if (s.contracted.empty()) {
    apply_binary(binary_fn(c.kernels.elementwise, BinaryKind::mul, a.v.dtype), arranged(a, y.labels, e), arranged(b, y.labels, e),
                 y.v);
    return y;
  }
  GemmArgs g;
  g.dtype = a.v.dtype;
  g.m = count(e, s.left), g.n = count(e, s.right), g.k = count(e, s.contracted);
  View left = arranged(a, joined(s.batch, s.left, s.contracted), e);
  if (!left.contiguous()) {
    const View swapped = arranged(a, joined(s.batch, s.contracted, s.left), e);
    g.trans_a = swapped.contiguous();
    left = g.trans_a ? swapped : compact(left, c);
  }
  View right = arranged(b, joined(s.batch, s.contracted, s.right), e);
  if (!right.contiguous()) {
    const View swapped = arranged(b, joined(s.batch, s.right, s.contracted), e);
    g.trans_b = swapped.contiguous();
    right = g.trans_b ? swapped : compact(right, c);
  }
  g.a = left.data, g.b = right.data, g.c = y.v.data;
  g.lda = std::max<Dim>(1, g.trans_a ? g.m : g.k);
  g.ldb = std::max<Dim>(1, g.trans_b ? g.k : g.n);
  g.ldc = std::max<Dim>(1, g.n);
  const Dim batch = count(e, s.batch);
  if (y.v.count() == 0) return y;
  if (batch != 1) {
    g.batch_rank = 1;
    g.batch_dims[0] = batch;
    g.batch_stride_a[0] = g.m * g.k;
    g.batch_stride_b[0] = g.k * g.n;
    g.batch_stride_c[0] = g.m * g.n;
  }
  const GemmTable& t = c.kernels.gemm;
  t.gemm(g, c.scratch(t.scratch_bytes(g)));
  return y;
}

}  // namespace

void Einsum::infer(const Einsum& a, In in, Types& out) {
  if (in.size() == 0) raise<ValueError>(kName, ": at least one operand is needed.");
  for (int k = 0; k < in.size(); ++k) require_number(kName, cat("operand ", k), in[k]);
  const Equation e = parse(a.equation.view(), in.size(), [&](int k) -> const Type& { return in[k]; });
  Labels so_far = kept_labels(e, 0);
  for (std::size_t k = 1; k < e.labels.size(); ++k) {
    const Step s = plan_step(e, so_far, kept_labels(e, k), k);
    so_far = joined(s.batch, s.left, s.right);
    if (so_far.size() > kMaxRank || s.batch.size() + s.left.size() + s.contracted.size() > kMaxRank) {
      raise<ShapeError>(kName, ": combining the first ", k + 1, " operands of equation '", a.equation, "' needs rank ",
                        so_far.size(), ", at most ", kMaxRank, " is possible. Reorder or split the equation.");
    }
    Dim n = size_of(DType::float64);
    for (int l : so_far) n = checked_mul(kName, n, e.sizes[static_cast<std::size_t>(l)]);
  }
  const DType t = in[0].dtype;
  Shape shape;
  for (int l : e.out) shape.push_back(e.sizes[static_cast<std::size_t>(l)]);
  out.push_back({t == DType::uint8 || t == DType::int8 ? DType::int32 : t, shape});
}

void Einsum::run(const Einsum& a, Views in, Views out, Context& c) {
  const View& y = out[0];
  const Equation e = parse(a.equation.view(), in.size(), [&](int k) -> const Type& { return in[k]; });
  Piece p = load(e, 0, in[0], y.dtype, c);
  for (std::size_t k = 1; k < e.labels.size(); ++k) {
    const Piece next = load(e, k, in[static_cast<int>(k)], y.dtype, c);
    const bool last = k + 1 == e.labels.size();
    Step s = plan_step(e, p.labels, next.labels, k);
    if (last && joined(s.batch, s.left, s.right) == e.out) {
      contract(e, p, next, s, &y, c);
      return;
    }
    if (last && joined(s.batch, s.right, s.left) == e.out) {
      std::swap(s.left, s.right);
      contract(e, next, p, s, &y, c);
      return;
    }
    p = contract(e, p, next, s, nullptr, c);
  }
  apply_copy(c.kernels.elementwise, arranged(p, e.out, e), y);
}

void Einsum::grad(const Einsum& a, GradCtx& c) {
  const Equation e = parse(a.equation.view(), c.ni(), [&](int k) -> const Type& { return c.in_type(k); });
  const std::string dots = e.result.find("...") != std::string::npos ? "..." : "";
  for (int k = 0; k < c.ni(); ++k) {
    if (!c.needs(k)) continue;
    const auto own = static_cast<std::size_t>(k);
    // einsum(dy, others) over the axes of operand k that those know, broadcast axes first.
    std::string equation = e.result;
    std::vector<Tensor> operands{c.dy()};
    Labels known = e.out;
    for (int j = 0; j < c.ni(); ++j) {
      if (j == k) continue;
      const auto other = static_cast<std::size_t>(j);
      equation += "," + e.terms[other];
      operands.push_back(c.in(j));
      known.insert(known.end(), e.labels[other].begin(), e.labels[other].end());
    }
    equation += "->" + dots;
    const Shape& shape = c.in_type(k).shape;
    Shape reached, with_ones, full;  // axes under "..." first, then letters: known ones; all, unknown ones as 1; all
    IntList back;                    // from that order to the operand's
    Labels order;
    for (int letters = 0; letters < 2; ++letters) {
      for (int d = 0; d < shape.rank(); ++d) {
        const int l = e.labels[own][static_cast<std::size_t>(d)];
        if ((l < kEllipsis) != (letters == 1)) continue;
        const bool is_known = l >= kEllipsis || has(known, l);
        if (letters && is_known) equation.push_back(static_cast<char>(l));
        if (is_known) reached.push_back(shape[d]);
        with_ones.push_back(is_known ? shape[d] : 1);
        full.push_back(shape[d]);
        order.push_back(l);
      }
    }
    for (int l : e.labels[own]) back.push_back(std::find(order.begin(), order.end(), l) - order.begin());
    Tensor g = unbroadcast(einsum(operands, {.equation = Text(std::string_view(equation))}), reached);
    if (!(with_ones == reached)) g = reshape(g, {.newshape = with_ones});
    if (!(full == with_ones)) g = broadcast_to(g, {.shape = full});
    if (order != e.labels[own]) g = transpose(g, {.axes = Axes(back)});
    c.dx(k, g);
  }
}

}  // namespace op

NACRE_DEFINE_OP(Einsum)

}  // namespace nacre
