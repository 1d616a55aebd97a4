// Indexing: items become one strided view, and with index tensors one take over the indexed axes merged into one.
#include "nacre/ops/indexing.h"

#include <algorithm>
#include <cstring>

#include "nacre/autograd/tape.h"
#include "nacre/kernels/table.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/view_rules.h"
#include "nacre/tensor/copy.h"

namespace nacre {

namespace {

constexpr std::string_view kName = "x[...]";

// An index tensor and how many axes one of its values names (more than one for the flat positions of a mask).
struct Advanced {
  Tensor index;
  int axes = 1;
};

// What the items ask for. The block of x is taken first; `indexed` tells which axes of the block the index tensors replace.
struct Plan {
  IntList begin, size, step;  // per axis of x
  IntList drop;               // axes of x that an integer removed
  IntList fresh;              // positions of new axes in the block
  std::vector<bool> indexed;  // per axis of the block
  std::vector<Advanced> advanced;
  bool together = true;  // nothing stands between the index tensors
};

// Positions of true in row-major order, [count].
Tensor true_positions(const Tensor& mask) {
  require_values("nonzero", mask);
  Tensor bytes = mask;
  if (mask.dtype() != DType::boolean || !mask.contiguous()) {
    bytes = Tensor::empty(mask.shape(), DType::boolean, "nonzero");
    copy_values(mask.view(), bytes.view());
  }
  const auto* m = static_cast<const std::uint8_t*>(bytes.view().data);
  const IndexTable& t = cpu_kernels().index;
  const Dim n = bytes.count();
  const Tensor positions = Tensor::empty({n ? t.mask_count(m, n) : 0}, DType::int64, "nonzero");
  if (n) t.mask_positions(m, n, positions.data<std::int64_t>());
  return positions;
}

// The range that Python's slice names on an axis of n elements.
void resolve(const IndexItem& item, Dim n, Dim& begin, Dim& size, Dim& step) {
  constexpr Dim kFar = Dim{1} << 62;  // more than any axis: a step this long ends every range
  step = item.step == IndexItem::kNone ? 1 : std::clamp(item.step, -kFar, kFar);
  if (step == 0) raise<ValueError>(kName, ": slice step is 0.");
  const Dim low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  const auto bound = [&](Dim b) { return std::clamp(b < 0 ? b + n : b, low, high); };
  begin = item.start == IndexItem::kNone ? (step > 0 ? low : high) : bound(std::max(item.start, -kFar));
  const Dim end = item.stop == IndexItem::kNone ? (step > 0 ? high : low) : bound(std::max(item.stop, -kFar));
  const Dim span = step > 0 ? end - begin : begin - end, stride = step > 0 ? step : -step;
  size = span > 0 ? (span - 1) / stride + 1 : 0;
  if (size == 0) begin = 0;
  if (size <= 1) step = 1;
}

Plan make_plan(const Tensor& x, std::span<const IndexItem> items) {
  using Kind = IndexItem::Kind;
  const Shape& shape = x.shape();
  int named = 0, dots = 0;
  bool tensors = false;
  for (const IndexItem& item : items) {
    if (item.kind == Kind::integer || item.kind == Kind::slice) ++named;
    if (item.kind == Kind::ellipsis) ++dots;
    if (item.kind == Kind::tensor) {
      tensors = true;
      const DType t = item.index.dtype();
      if (t == DType::boolean) {
        if (item.index.rank() == 0) raise<IndexError>(kName, ": a single bool is no index. Use a mask with one value per element.");
        named += item.index.rank();
      } else if (is_integer(t)) {
        ++named;
      } else {
        raise<IndexError>(kName, ": an index tensor of dtype ", t, " was given. Use integers or bool.");
      }
    }
  }
  if (dots > 1) raise<IndexError>(kName, ": ", dots, " ellipses (...) were given. Use one at most.");
  if (named > shape.rank()) {
    raise<IndexError>(kName, ": ", named, " axes are indexed but the tensor of shape ", shape, " has ", shape.rank(), ".");
  }

  Plan p;
  int axis = 0, block_axis = 0;
  int last_advanced = -1, position = 0;
  const auto range = [&](Dim begin, Dim size, Dim step) {
    p.begin.push_back(begin);
    p.size.push_back(size);
    p.step.push_back(step);
    ++axis;
  };
  const auto whole = [&](bool by_tensor) {
    range(0, shape[axis], 1);
    p.indexed.push_back(by_tensor);
    ++block_axis;
  };
  const auto advanced = [&](const Tensor& index, int axes) {
    p.together = p.together && (last_advanced < 0 || last_advanced == position - 1);
    last_advanced = position;
    p.advanced.push_back({index, axes});
    for (int i = 0; i < axes; ++i) whole(true);
  };
  for (const IndexItem& item : items) {
    switch (item.kind) {
      case Kind::integer: {
        const Dim n = shape[axis];
        if (item.start < -n || item.start >= n) {
          raise<IndexError>(kName, ": index ", item.start, " is out of range for axis ", axis, " of size ", n, " (shape ", shape,
                            ").");
        }
        const Dim at = item.start < 0 ? item.start + n : item.start;
        if (tensors) {
          advanced(full({.shape = {}, .value = static_cast<double>(at), .dtype = DType::int64}), 1);
        } else {
          p.drop.push_back(axis);
          range(at, 1, 1);
        }
        break;
      }
      case Kind::slice: {
        Dim begin, size, step;
        resolve(item, shape[axis], begin, size, step);
        range(begin, size, step);
        p.indexed.push_back(false);
        ++block_axis;
        break;
      }
      case Kind::ellipsis:
        for (int i = named; i < shape.rank(); ++i) whole(false);
        break;
      case Kind::new_axis:
        p.fresh.push_back(block_axis++);
        p.indexed.push_back(false);
        break;
      case Kind::tensor: {
        if (item.index.dtype() != DType::boolean) {
          advanced(item.index, 1);
          break;
        }
        const Shape& mask = item.index.shape();
        for (int i = 0; i < mask.rank(); ++i) {
          if (mask[i] != shape[axis + i]) {
            raise<IndexError>(kName, ": a mask of shape ", mask, " does not fit the tensor of shape ", shape, " at axis ", axis + i,
                              ".");
          }
        }
        advanced(true_positions(item.index), mask.rank());
        break;
      }
    }
    ++position;
  }
  while (axis < shape.rank()) whole(false);
  return p;
}

// The block of x: ranges, without the axes of integers, with the new axes. A view.
Tensor take_block(const Tensor& x, const Plan& p) {
  Tensor block = x;
  bool cut = false;
  for (int i = 0; i < x.rank(); ++i) cut |= p.begin[i] != 0 || p.size[i] != x.shape()[i] || p.step[i] != 1;
  if (cut) block = slice_view(block, {.begin = p.begin, .size = p.size, .step = p.step});
  if (p.drop.size()) block = squeeze(block, {.axis = p.drop});
  if (p.fresh.size()) block = expand_dims(block, {.axis = p.fresh});
  return block;
}

// The block with its indexed axes side by side; `at` is the first of them. A view.
Tensor gather_axes(const Tensor& block, const Plan& p, int& at) {
  IntList front, indexed, back;
  at = 0;
  for (int i = 0; i < block.rank(); ++i) {
    if (p.indexed[static_cast<std::size_t>(i)])
      indexed.push_back(i);
    else
      (indexed.size() || !p.together ? back : front).push_back(i);
  }
  at = front.size();
  IntList order = front;
  for (Dim i : indexed) order.push_back(i);
  for (Dim i : back) order.push_back(i);
  bool moved = false;
  for (int i = 0; i < order.size(); ++i) moved |= order[i] != i;
  return moved ? transpose(block, {.axes = order}) : block;
}

// Product of the axes that each index tensor names, in the gathered block.
IntList advanced_sizes(const Plan& p, const Shape& gathered, int at) {
  IntList sizes;
  for (const Advanced& a : p.advanced) {
    Dim n = 1;
    for (int i = 0; i < a.axes; ++i) n *= gathered[at++];
    sizes.push_back(n);
  }
  return sizes;
}

// One flat index for all index tensors.
Tensor merged_index(const Plan& p, const IntList& sizes) {
  if (p.advanced.size() == 1) return p.advanced[0].index;
  std::vector<Tensor> indices;
  for (const Advanced& a : p.advanced) indices.push_back(a.index);
  return ravel_index(indices, {.sizes = sizes});
}

int indexed_axes(const Plan& p) {
  int n = 0;
  for (const Advanced& a : p.advanced) n += a.axes;
  return n;
}

// value seen as `shape`, by broadcasting; leading axes of size 1 beyond its rank are dropped, as NumPy does.
View broadcast_value(const View& value, const Shape& shape) {
  View v = value;
  while (v.shape.rank() > shape.rank() && v.shape[0] == 1) v = slab(v, 0, 0);
  const int lead = shape.rank() - v.shape.rank();
  bool fits = lead >= 0;
  for (int i = 0; fits && i < v.shape.rank(); ++i) fits = v.shape[i] == shape[i + lead] || v.shape[i] == 1;
  if (!fits)
    raise<ShapeError>("x[...] = value: value of shape ", value.shape, " does not broadcast to the indexed part of shape ", shape,
                      ".");
  View r = v;
  r.shape = shape;
  for (int i = 0; i < shape.rank(); ++i) r.strides[i] = i < lead || v.shape[i - lead] != shape[i] ? 0 : v.strides[i - lead];
  return r;
}

// Adds to `offset` the steps that value `index` of an index tensor means on the axes at, at + 1, ... of v.
Dim offset_of(const View& v, int at, int axes, Dim index) {
  Dim offset = 0;
  for (int i = at + axes - 1; i >= at; --i) {
    offset += index % v.shape[i] * v.strides[i];
    index /= v.shape[i];
  }
  return offset;
}

// target[indices] = value, the indexed axes of target standing at `at`. All indices were checked: `merged` is
// non-negative and in range.
void write_indexed(const View& target, int at, int axes, const View& merged, const View& value) {
  View to = target;  // one slice of the target
  for (int i = 0; i < axes; ++i) to = slab(to, at, 0);
  View from = value;  // and of the value
  const int batch = merged.shape.rank();
  for (int i = 0; i < batch; ++i) from = slab(from, at, 0);
  const Dim item = size_of(target.dtype), rest = to.count();
  const auto* index = merged.as<std::int64_t>();
  for (Dim k = 0, n = merged.count(); k < n; ++k) {
    Dim from_offset = 0;
    for (Dim i = batch - 1, left = k; i >= 0; --i) {
      from_offset += left % merged.shape[static_cast<int>(i)] * value.strides[at + i];
      left /= merged.shape[static_cast<int>(i)];
    }
    to.data = static_cast<char*>(target.data) + offset_of(target, at, axes, index[k]) * item;
    from.data = static_cast<char*>(value.data) + from_offset * item;
    if (rest == 1)
      std::memcpy(to.data, from.data, static_cast<std::size_t>(item));
    else
      copy_values(from, to);
  }
}

}  // namespace

Tensor get_item(const Tensor& x, std::span<const IndexItem> items) {
  const Plan p = make_plan(x, items);
  const Tensor block = take_block(x, p);
  if (p.advanced.empty()) return block;
  int at = 0;
  Tensor gathered = gather_axes(block, p, at);
  const IntList sizes = advanced_sizes(p, gathered.shape(), at);
  const int axes = indexed_axes(p);
  if (axes > 1) {
    Shape merged = gathered.shape();
    for (int i = 1; i < axes; ++i) merged.erase(at + 1);
    merged[at] = 1;
    for (Dim n : sizes) merged[at] *= n;
    gathered = reshape(gathered, {.newshape = merged});
  }
  return take(gathered, merged_index(p, sizes), {.axis = at});
}

void set_item(const Tensor& x, std::span<const IndexItem> items, const Tensor& value) {
  if (capturing())
    raise<StateError>(
        "x[...] = value: a tensor cannot be changed in place while a model is captured. Use where or scatter_update.");
  if (grad_enabled() && (value.requires_grad() || (x.requires_grad() && !x.is_leaf()))) {
    raise<StateError>("x[...] = value: writing into a tensor is not recorded, so the gradient of ",
                      value.requires_grad() ? "value" : "x", " would be lost. Use where or scatter_update, or no_grad().");
  }
  const NoGrad off;
  const Plan p = make_plan(x, items);
  int at = 0;
  const Tensor block = gather_axes(take_block(x, p), p, at);
  const View& target = block.view();
  for (int i = 0; i < x.rank(); ++i) {
    if (x.shape()[i] > 1 && x.view().strides[i] == 0) {
      raise<StateError>("x[...] = value: elements of x share memory (it was made by broadcast_to). Use x.clone() first.");
    }
  }
  Tensor source = value;
  if (value.dtype() != x.dtype() || may_overlap(x.view(), value.view())) {
    source = Tensor::empty(value.shape(), x.dtype(), "x[...] = value");
    copy_values(value.view(), source.view());
  }
  if (p.advanced.empty()) {
    const View from = broadcast_value(source.view(), target.shape);
    begin_write("x[...] = value", x);
    copy_values(from, target);
    return;
  }
  // ravel_index checks every index, also a single tensor's, and makes it non-negative.
  const IntList sizes = advanced_sizes(p, target.shape, at);
  std::vector<Tensor> indices;
  for (const Advanced& a : p.advanced) indices.push_back(a.index);
  const Tensor merged = ravel_index(indices, {.sizes = sizes});
  const int axes = indexed_axes(p);
  Shape shape;
  for (int i = 0; i < at; ++i) shape.push_back(target.shape[i]);
  for (Dim d : merged.shape()) shape.push_back(d);
  for (int i = at + axes; i < target.shape.rank(); ++i) shape.push_back(target.shape[i]);
  const View from = broadcast_value(source.view(), shape);
  begin_write("x[...] = value", x);
  if (from.count()) write_indexed(target, at, axes, merged.view(), from);
}

std::vector<Tensor> nonzero(const Tensor& x) {
  if (x.rank() == 0) raise<ShapeError>("nonzero: x is a scalar. It must have at least one axis.");
  require_values("nonzero", x);
  if (capturing()) {  // also of a weight: the positions of this moment would stay in the plan
    raise<StateError>("nonzero: how many elements of x, shape ", x.shape(),
                      ", are not zero is known only from values, so a step of a model that is being captured cannot hold it. Use "
                      "nc.where(x != 0, a, b), call it outside, or compile(..., run_eagerly=True).");
  }
  const Tensor flat = true_positions(x);
  if (x.rank() == 1) return {flat};
  const Dim n = flat.count();
  std::vector<Tensor> out;
  for (int i = 0; i < x.rank(); ++i) out.push_back(Tensor::empty({n}, DType::int64, "nonzero"));
  const auto* p = flat.data<std::int64_t>();
  Dim below = 1;  // elements of one step along axis i
  for (int i = x.rank() - 1; i >= 0; --i) {
    auto* at = out[static_cast<std::size_t>(i)].data<std::int64_t>();
    for (Dim k = 0; k < n; ++k) at[k] = p[k] / below % x.shape()[i];
    below *= x.shape()[i];
  }
  return out;
}

Tensor boolean_mask(const Tensor& x, const Tensor& mask) {
  if (mask.dtype() != DType::boolean) raise<DTypeError>("boolean_mask: mask must be bool, got ", mask.dtype(), ".");
  const IndexItem item = IndexItem::by(mask);
  return get_item(x, {&item, 1});
}

}  // namespace nacre
