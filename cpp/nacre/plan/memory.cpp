// Memory of a plan: lives of values, inputs that may be overwritten, places in the arena.
//
// A root lives from the step that makes it to the last step that reads it or a view of it. Largest first, each takes the lowest gap that is free
// during its life (best fit among gaps). Offsets are multiples of 64 bytes and stagger off 4 KiB, so that arrays walked together do not fall on the
// same cache sets.
#include <algorithm>

#include "nacre/plan/passes.h"

namespace nacre::plan {

namespace {

struct Life {
  Dim first = -1, last = -1;  // positions in the order of execution
};

constexpr std::size_t kAlign = 64, kPage = 4096;

std::size_t padded(std::size_t bytes) {
  bytes = (bytes + kAlign - 1) / kAlign * kAlign;
  return bytes >= kPage && bytes % kPage == 0 ? bytes + kAlign : std::max(bytes, kAlign);
}

}  // namespace

MemoryPlan plan_memory(Graph& g, std::span<const StepIo> steps, std::span<const Id> kept, const std::vector<Dim>& placed,
                       const std::vector<bool>& hidden, bool reuse) {
  const auto n = g.values.size();
  const auto at = [](Id id) { return static_cast<std::size_t>(id); };
  const Dim end = static_cast<Dim>(steps.size());
  std::vector<Life> life(n);
  std::vector<bool> stays(n);
  const auto in_arena = [&](Id root) {
    const Value& v = g.at(root);
    return (v.kind == ValueKind::computed || v.kind == ValueKind::input) && placed[at(root)] < 0 && !hidden[at(root)];
  };
  for (std::size_t v = 0; v < n; ++v) {
    if (g.values[v].kind == ValueKind::input) life[v] = {-1, 0};
  }
  for (Dim t = 0; t < end; ++t) {
    const StepIo& node = steps[static_cast<std::size_t>(t)];
    for (Id y : node.out) {
      Life& l = life[at(g.root_of(y))];
      if (l.first < 0 && g.at(g.root_of(y)).kind == ValueKind::computed) l.first = t;
      l.last = std::max(l.last, t);
    }
    for (Id x : node.in) {
      if (x != kNone) life[at(g.root_of(x))].last = std::max(life[at(g.root_of(x))].last, t);
    }
  }
  for (Id k : kept) {
    stays[at(g.root_of(k))] = true;
    life[at(g.root_of(k))].last = end;
  }

  MemoryPlan m;
  m.offset.assign(n, -1);
  for (std::size_t v = 0; v < n; ++v) {
    const Id id = static_cast<Id>(v);
    if (g.values[v].root == id && in_arena(id) && life[v].last >= 0) m.unplanned += padded(g.bytes_of(id));
  }

  // A step whose input ends here writes over it.
  if (reuse) {
    std::vector<bool> taken(n);
    for (Dim t = 0; t < end; ++t) {
      const StepIo& step = steps[static_cast<std::size_t>(t)];
      for (const auto& [y, x] : step.over) {
        if (g.root_of(y) != y || !in_arena(y)) continue;  // has its place already
        const Id r = g.root_of(x);
        const Value &vx = g.at(x), &vr = g.at(r), &vy = g.at(y);
        const bool fits = vr.kind == ValueKind::computed && in_arena(r) && !stays[at(r)] && life[at(r)].last == t &&
                          !taken[at(r)] && vx.offset == 0 && vx.view.contiguous() && vx.view.dtype == vy.view.dtype &&
                          vx.view.count() == vy.view.count() && g.bytes_of(r) == g.bytes_of(y);
        // A single op's other input may read the same memory in another order.
        bool alone = true;
        for (Id other : step.node ? step.node->in : std::vector<Id>()) {
          alone = alone && (other == kNone || other == x || g.root_of(other) != r);
        }
        if (!fits || !alone) continue;
        for (Value& v : g.values) {  // views of y lie in r from now on
          if (v.root == y) v.root = r;
        }
        life[at(r)].last = std::max(life[at(r)].last, life[at(y)].last);
        stays[at(r)] = stays[at(r)] || stays[at(y)];
        taken[at(r)] = life[at(r)].last == t;
      }
    }
  }

  std::vector<Id> roots;
  for (std::size_t v = 0; v < n; ++v) {
    const Id id = static_cast<Id>(v);
    if (g.values[v].root == id && in_arena(id) && life[v].last >= 0) roots.push_back(id);
  }
  if (!reuse) {
    for (Id r : roots) {
      m.offset[at(r)] = static_cast<Dim>(m.bytes);
      m.bytes += padded(g.bytes_of(r));
    }
    return m;
  }
  std::stable_sort(roots.begin(), roots.end(), [&](Id a, Id b) { return g.bytes_of(a) > g.bytes_of(b); });
  struct Placed {
    std::size_t begin, end;
    Life life;
  };
  std::vector<Placed> done;  // by begin
  for (Id r : roots) {
    const std::size_t bytes = padded(g.bytes_of(r));
    const Life l = life[at(r)];
    std::size_t best = 0, best_gap = ~std::size_t{0}, edge = 0;
    bool found = false;
    for (const Placed& p : done) {
      if (p.life.last < l.first || l.last < p.life.first) continue;
      if (p.begin > edge) {
        const std::size_t gap = p.begin - edge;
        if (gap >= bytes && gap < best_gap) best = edge, best_gap = gap, found = true;
      }
      edge = std::max(edge, p.end);
    }
    if (!found) best = edge;
    const Placed mine{best, best + bytes, l};
    done.insert(
        std::upper_bound(done.begin(), done.end(), mine, [](const Placed& a, const Placed& b) { return a.begin < b.begin; }), mine);
    m.offset[at(r)] = static_cast<Dim>(best);
    m.bytes = std::max(m.bytes, mine.end);
  }
  return m;
}

}  // namespace nacre::plan
