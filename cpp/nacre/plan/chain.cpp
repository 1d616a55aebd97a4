#include "nacre/plan/chain.h"

#include <algorithm>

#include "nacre/base/threads.h"

namespace nacre::plan {

namespace {

constexpr Dim kGrain = 16384;  // elements of a piece, as for single ops (kernels/dispatch/elementwise_drive.cpp)

void run_range(const ChainCall& c, Dim begin, Dim end, char* outside) noexcept {
  alignas(64) char buffers[kTileSlots][kTileBytes];
  for (Dim at = begin; at < end; at += c.tile) {
    const Dim n = std::min(c.tile, end - at);
    const auto place = [&](const ChainOperand& x) {
      if (x.base) return x.base + at * x.step;
      return x.slot == kOutside ? outside + (at - begin) * x.step : buffers[x.slot];
    };
    for (int i = 0; i < c.count; ++i) {
      const ChainOp& op = c.ops[i];
      char* in[3];
      Dim stride[3];
      for (int k = 0; k < op.inputs; ++k) {
        const ChainOperand& x = op.in[k];
        in[k] = place(x);
        stride[k] = x.step ? 1 : 0;
      }
      char* out = place(op.out);
      if (op.fn.unary)
        op.fn.unary(n, in[0], stride[0], out, 1, op.fn.params);
      else if (op.fn.binary)
        op.fn.binary(n, in[0], stride[0], in[1], stride[1], out, 1, op.fn.params, nullptr);
      else if (op.fn.where)
        op.fn.where(n, in[0], stride[0], in[1], stride[1], in[2], stride[2], out, 1);
      else
        op.fn.cast(n, in[0], stride[0], out, 1);
    }
  }
}

}  // namespace

bool repeats(const View& v) {
  for (int i = 0; i < v.shape.rank(); ++i) {
    if (v.shape[i] != 1 && v.strides[i] != 0) return false;
  }
  return v.count() > 0;
}

void run_chain(const ChainCall& c) {
  if (c.elements <= kGrain) return run_range(c, 0, c.elements, nullptr);
  parallel_for(c.elements, kGrain, [&](Dim begin, Dim end, int) { run_range(c, begin, end, nullptr); });
}

void run_chain_tile(const void* call, std::int64_t begin, std::int64_t n, void* tile) noexcept {
  run_range(*static_cast<const ChainCall*>(call), begin, begin + n, static_cast<char*>(tile));
}

bool assign_slots(const Graph& g, const std::vector<Id>& chain, const std::function<bool(Id)>& materialised,
                  std::vector<int>& slots) {
  const auto value_of = [&](std::size_t i) { return g.nodes[static_cast<std::size_t>(chain[i])].out[0]; };
  slots.assign(chain.size(), -1);
  bool busy[kTileSlots] = {};
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (!materialised(chain[i])) {
      int free = 0;
      while (free < kTileSlots && busy[free]) ++free;
      if (free == kTileSlots) return false;
      slots[i] = free;
      busy[free] = true;
    }
    // Buffers whose last reader this was are free for the next op.
    for (std::size_t j = 0; j <= i; ++j) {
      if (slots[j] < 0) continue;
      const bool read_later = std::any_of(chain.begin() + static_cast<std::ptrdiff_t>(i) + 1, chain.end(), [&](Id m) {
        const auto& in = g.nodes[static_cast<std::size_t>(m)].in;
        return std::any_of(in.begin(), in.end(), [&](Id x) { return x != kNone && g.root_of(x) == value_of(j); });
      });
      const bool is_newest = j == i;
      if (!read_later && !is_newest) {
        bool taken_again = false;
        for (std::size_t k = j + 1; k <= i; ++k) taken_again = taken_again || slots[k] == slots[j];
        if (!taken_again) busy[slots[j]] = false;
      }
    }
  }
  return true;
}

bool fits_in_tiles(const Graph& g, const std::vector<Id>& chain, const std::function<bool(Id)>& materialised) {
  std::vector<int> slots;
  return assign_slots(g, chain, materialised, slots);
}

}  // namespace nacre::plan
