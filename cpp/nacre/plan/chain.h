// A chain of elementwise ops as a plan runs it: all arrays are walked together in tiles, each op on one tile at a time by its ordinary inner loop.
//
// A lane's bits depend on its operands alone (kernels/elementwise.h), so tiles change nothing. Values between the ops stay in buffers of the first
// cache: a chain of k ops reads and writes main memory once in place of k times. About 5 ns per op and tile, against 30 to 60 ns of work.
#pragma once

#include <functional>

#include "nacre/plan/graph.h"

namespace nacre::plan {

inline constexpr Dim kTileBytes = 4096;      // of the widest value: 1024 floats
inline constexpr Dim kChainGrain = 16384;    // elements of a piece, as for single ops (kernels/dispatch/elementwise_drive.cpp)
inline constexpr int kTileSlots = 4;         // buffers: half of a usual first cache, the arrays themselves take the rest
inline constexpr int kOutside = kTileSlots;  // in place of a slot: the tile of the op in whose step the chain runs

struct ChainOperand {
  char* base = nullptr;  // null: a tile buffer
  int slot = 0;
  Dim step = 0;  // bytes from an element to the next; 0 repeats one number
};

struct ChainOp {
  TileFn fn;
  int inputs = 0;
  ChainOperand in[3], out;
  Dim stride[3] = {};  // of the inputs, in elements: 1, or 0 for one number
};

struct ChainCall {
  const ChainOp* ops = nullptr;
  int count = 0;
  Dim elements = 0, tile = 0;  // elements in all and per tile
  bool whole = false;          // one tile, by one thread, and every operand has a base
};

void run_chain(const ChainCall& c);
// Elements [begin, begin + n), with `tile` outside: a TileHook on the call.
void run_chain_tile(const void* call, std::int64_t begin, std::int64_t n, void* tile) noexcept;
// Repeats one number: a scalar, or one spread out by zero strides.
[[nodiscard]] bool repeats(const View& v);

// Can the chain run with the buffers there are? `materialised(node)`: its value goes to memory.
bool fits_in_tiles(const Graph& g, const std::vector<Id>& chain, const std::function<bool(Id)>& materialised);
// Buffer of each member's value, -1 where it goes to memory; false when they do not suffice.
bool assign_slots(const Graph& g, const std::vector<Id>& chain, const std::function<bool(Id)>& materialised,
                  std::vector<int>& slots);

}  // namespace nacre::plan
