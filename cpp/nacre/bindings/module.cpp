// nacre._core
#include "nacre/bindings/py_core.h"

PYBIND11_MODULE(_core, m) {
  using namespace nacre::python;
  m.doc() = "The compiled core of nacre.";
  bind_errors(m);
  bind_tensor(m);
  bind_ops(m);
  bind_dlpack(m);
  bind_autograd(m);
  bind_runtime(m);
  bind_layers(m);
  bind_train(m);
  bind_model(m);
}
