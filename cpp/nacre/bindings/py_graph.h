// Symbolic tensors in Python, and layers and models whose function is written there.
//
// Who keeps whom: C++ holds the C++ part of a Python layer and finds its Python object when it is called; the Python object is kept by Python
// objects alone - the symbolic tensors it made, the models that hold it - so that Python's garbage collector sees every cycle.
#pragma once

#include "nacre/bindings/py_options.h"
#include "nacre/model/graph.h"
#include "nacre/model/model.h"

namespace nacre::python {

// ---- symbolic tensors (py_symbol.cpp) ----
extern PyTypeObject* symbol_type;
inline bool is_symbolic(PyObject* o) { return Py_TYPE(o) == symbol_type; }
const model::Symbol& symbol_of(py::handle o);
// Calls `layer`, whose Python object is `owner` (None: it has none of its own), on symbolic tensors.
std::vector<py::object> connect(const py::object& owner, const std::shared_ptr<nn::Layer>& layer,
                                std::span<const py::object> inputs, Json arguments);
// The symbolic tensors that x is or lists; empty when there is none. TypeError when some are and some are not.
std::vector<py::object> symbols_in(const py::object& x, std::string_view what);
// A symbolic tensor or a list of them.
py::object one_or_list(std::vector<py::object> values);
void bind_symbols(py::module_& m);

// ---- calls inside calls (py_layer.cpp) ----
// The call of a Python layer that runs on this thread: layers that it calls without `training` take its mode, and all of them random
// numbers of their own that follow from its key.
class CallScope {
 public:
  explicit CallScope(const nn::CallContext& context);
  ~CallScope();
  CallScope(const CallScope&) = delete;
  CallScope& operator=(const CallScope&) = delete;
  // Context of the next call inside the one that runs now, or of a call from outside.
  static bool inside();
  static nn::CallContext next(std::optional<bool> training);

 private:
  nn::CallContext context_;
  std::uint64_t calls_ = 0;
  CallScope* before_;
};
void bind_python_layers(py::module_& m, py::class_<nn::Layer, std::shared_ptr<nn::Layer>>& layer);
void bind_python_models(py::module_& m, py::class_<model::Model, nn::Layer, std::shared_ptr<model::Model>>& model);

// Lets the garbage collector count the attributes of Python subclasses of this class once.
void count_attributes_once(py::handle type);

Shape shape_from_python(const py::object& o, std::string_view what);
py::tuple shape_to_python(const Shape& s);

}  // namespace nacre::python
