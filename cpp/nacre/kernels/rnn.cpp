// The entry points of rnn.h: each goes to the functions of its cell.
#include "nacre/kernels/rnn.h"

#include "nacre/simd/packet.h"

namespace nacre {
namespace NACRE_ISA {

RnnTable simple_table();
RnnTable gru_table();
RnnTable gru_before_table();
RnnTable lstm_table();

namespace {

RnnTable table_of(const RnnArgs& g) {
  if (g.cell == RnnCell::simple) return simple_table();
  if (g.cell == RnnCell::lstm) return lstm_table();
  return g.reset_after ? gru_table() : gru_before_table();
}

}  // namespace

void fill_rnn(RnnTable& table) {
  table.forward_scratch = [](const RnnArgs& g) noexcept { return table_of(g).forward_scratch(g); };
  table.backward_scratch = [](const RnnArgs& g) noexcept { return table_of(g).backward_scratch(g); };
  table.forward = [](const RnnArgs& g, void* scratch) noexcept { table_of(g).forward(g, scratch); };
  table.backward = [](const RnnArgs& g, void* scratch) noexcept { table_of(g).backward(g, scratch); };
}

}  // namespace NACRE_ISA
}  // namespace nacre
