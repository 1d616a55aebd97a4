#include "nacre/plan/chain.h"

#include <algorithm>
#include <iterator>

#include "nacre/base/threads.h"
#include "nacre/ops/random_state.h"

namespace nacre::plan {

namespace {

// Elements [at, at + n).
void call_op(const ChainOp& op, Dim at, Dim n, char* const* in, char* out) {
  const Dim* stride = op.stride;
  if (op.fn.binary)
    op.fn.binary(n, in[0], stride[0], in[1], stride[1], out, 1, op.fn.params, nullptr);
  else if (op.fn.unary)
    op.fn.unary(n, in[0], stride[0], out, 1, op.fn.params);
  else if (op.fn.where)
    op.fn.where(n, in[0], stride[0], in[1], stride[1], in[2], stride[2], out, 1);
  else if (op.fn.dropout)
    run_dropout(op.fn, at, n, in[0], read_key(reinterpret_cast<const std::int64_t*>(in[1])), out);
  else
    op.fn.cast(n, in[0], stride[0], out, 1);
}

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
      for (int k = 0; k < op.inputs; ++k) {
        const ChainOperand& x = op.in[k];
        in[k] = place(x);
      }
      call_op(op, at, n, in, place(op.out));
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
  if (c.whole) {
    for (int i = 0; i < c.count; ++i) {
      const ChainOp& op = c.ops[i];
      char* const in[3] = {op.in[0].base, op.in[1].base, op.in[2].base};
      call_op(op, 0, c.elements, in, op.out.base);
    }
    return;
  }
  if (c.elements <= kChainGrain) return run_range(c, 0, c.elements, nullptr);
  parallel_for(c.elements, kChainGrain, [&](Dim begin, Dim end, int) { run_range(c, begin, end, nullptr); });
}

void run_chain_tile(const void* call, std::int64_t begin, std::int64_t n, void* tile) noexcept {
  run_range(*static_cast<const ChainCall*>(call), begin, begin + n, static_cast<char*>(tile));
}

bool assign_slots(const Graph& g, const std::vector<Id>& chain, const std::function<bool(Id)>& materialised,
                  std::vector<int>& slots) {
  const auto value_of = [&](std::size_t i) { return g.nodes[static_cast<std::size_t>(chain[i])].out[0]; };
  slots.assign(chain.size(), -1);
  std::size_t free_from[kTileSlots] = {};  // position in the chain from which a buffer holds nothing that is still read
  for (std::size_t i = 0; i < chain.size(); ++i) {
    if (materialised(chain[i])) continue;
    const auto* slot = std::find_if(std::begin(free_from), std::end(free_from), [&](std::size_t from) { return from <= i; });
    if (slot == std::end(free_from)) return false;
    slots[i] = static_cast<int>(slot - std::begin(free_from));
    std::size_t last = i;
    for (std::size_t j = i + 1; j < chain.size(); ++j) {
      const auto& in = g.nodes[static_cast<std::size_t>(chain[j])].in;
      if (std::any_of(in.begin(), in.end(), [&](Id x) { return x != kNone && g.root_of(x) == value_of(i); })) last = j;
    }
    free_from[slots[i]] = last + 1;
  }
  return true;
}

bool fits_in_tiles(const Graph& g, const std::vector<Id>& chain, const std::function<bool(Id)>& materialised) {
  std::vector<int> slots;
  return assign_slots(g, chain, materialised, slots);
}

}  // namespace nacre::plan
