// Layers and models whose function is written in Python. C++ calls the Python object with the interpreter lock taken; what it raises comes out
// as it is, with its traceback. The Python halves are nacre/_custom.py and nacre/models.py.
#include <algorithm>

#include <pybind11/stl.h>

#include "nacre/bindings/py_graph.h"

namespace nacre::python {

namespace {

thread_local CallScope* t_scope = nullptr;

// The Python object of a C++ one, alive or an error.
template <class T>
py::object python_of(const T* self, const nn::Layer& layer) {
  const py::handle found = py::detail::get_object_handle(self, py::detail::get_type_info(typeid(T)));
  if (!found)
    raise<StateError>(layer.label(),
                      ": its Python object is gone. Keep the layer, or a model that holds it, as long as it is used.");
  return py::reinterpret_borrow<py::object>(found);
}

py::list to_list(std::span<const Tensor> tensors) {
  py::list out;
  for (const Tensor& t : tensors) out.append(py::cast(t));
  return out;
}

std::vector<Tensor> from_list(const py::object& list) {
  std::vector<Tensor> out;
  for (py::handle o : list) out.push_back(py::cast<Tensor>(o));
  return out;
}

py::list types_to_list(std::span<const Type> types) {
  py::list out;
  for (const Type& t : types) out.append(py::make_tuple(std::string(name_of(t.dtype)), shape_to_python(t.shape)));
  return out;
}

std::vector<Type> types_from_list(const py::object& list) {
  std::vector<Type> out;
  for (py::handle o : list) {
    const py::tuple pair = py::reinterpret_borrow<py::tuple>(o);
    out.push_back({dtype_from_name(pair[0].cast<std::string>()), shape_from_python(pair[1], "shape")});
  }
  return out;
}

py::object arguments_of(const Json& arguments) { return arguments.is_null() ? py::object(py::none()) : json_to_python(arguments); }

std::vector<std::shared_ptr<nn::Layer>> sublayers(const py::object& self) {
  std::vector<std::shared_ptr<nn::Layer>> out;
  for (py::handle o : self.attr("_sublayers")()) out.push_back(o.cast<std::shared_ptr<nn::Layer>>());
  return out;
}

// A layer that holds, somewhere in its attributes, the model around it: the walk over weights passes it once.
class Visit {
 public:
  explicit Visit(const void* what) : first_(std::find(open().begin(), open().end(), what) == open().end()) {
    open().push_back(what);
  }
  ~Visit() { open().pop_back(); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  [[nodiscard]] bool first() const { return first_; }

 private:
  static std::vector<const void*>& open() {
    thread_local std::vector<const void*> list;
    return list;
  }
  bool first_;
};

// "tests>Block" is called Block: names begin without the package.
std::string_view short_name(std::string_view registered) {
  const std::size_t mark = registered.rfind('>');
  return mark == std::string_view::npos ? registered : registered.substr(mark + 1);
}

class PyLayer final : public nn::ListLayer {
 public:
  // class_name: as files call the class, "package>Name" when it is registered.
  PyLayer(std::string class_name, nn::LayerCommon common)
      : ListLayer(std::move(common), short_name(class_name)), class_name_(std::move(class_name)) {}
  [[nodiscard]] std::string_view class_name() const override { return class_name_; }
  [[nodiscard]] Json config() const override {
    const py::gil_scoped_acquire locked;
    return json_from_python(self().attr("get_config")(), label(), "get_config");
  }
  [[nodiscard]] Json own_config() const { return common_config(); }
  [[nodiscard]] std::vector<nn::Variable> weights() const override {
    const Visit visit(this);
    if (!visit.first()) return {};
    std::vector<nn::Variable> out = own_weights();
    const py::gil_scoped_acquire locked;
    for (const auto& l : sublayers(self())) {
      for (nn::Variable& v : l->weights())
        out.push_back({cat(l->name(), "/", v.name), std::move(v.value), v.trainable && l->trainable()});
    }
    return out;
  }
  void add_facts(std::vector<const void*>& facts) const override {
    const Visit visit(this);
    if (!visit.first()) return;
    Layer::add_facts(facts);
    const py::gil_scoped_acquire locked;
    for (const auto& l : sublayers(self())) l->add_facts(facts);
  }
  [[nodiscard]] std::vector<nn::Variable> own_weights() const { return Layer::weights(); }
  void set_trainable(bool on) override {
    const Visit visit(this);
    if (!visit.first()) return;
    Layer::set_trainable(on);
    const py::gil_scoped_acquire locked;
    for (const auto& l : sublayers(self())) l->set_trainable(on);
  }
  using ListLayer::build;
  void build(std::span<const Shape> inputs) override {
    std::vector<Type> types;
    for (const Shape& s : inputs) types.push_back({dtype(), s});
    connect(types, {});
  }
  void connect(std::span<const Type> inputs, const Json& arguments) override {
    const py::gil_scoped_acquire locked;
    self().attr("_connect")(types_to_list(inputs), arguments_of(arguments));
    mark_built(inputs);
  }
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json& arguments) const override {
    const py::gil_scoped_acquire locked;
    return types_from_list(self().attr("_infer")(types_to_list(inputs), arguments_of(arguments)));
  }
  void mark_built(std::span<const Type> inputs) {
    if (built()) return;
    std::vector<Shape> shapes;
    for (const Type& t : inputs) shapes.push_back(t.shape);
    set_built(true, std::move(shapes));
  }
  void set_built_flag(bool on) {
    if (on != built()) set_built(on, on ? input_shapes() : std::vector<Shape>());
  }
  Tensor new_weight(std::string name, const Tensor& value, bool trainable) {
    const std::size_t at = add_weight(std::move(name), value, trainable);
    return weight(at);
  }

 protected:
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs, const nn::CallContext& context) override {
    const py::gil_scoped_acquire locked;
    const CallScope scope(context);
    return from_list(
        self().attr("_run")(to_list(inputs), context.arguments ? arguments_of(*context.arguments) : py::none(), context.training));
  }

 private:
  [[nodiscard]] py::object self() const { return python_of(this, *this); }
  std::string class_name_;
};

class PyModel final : public model::Model {
 public:
  PyModel(std::string class_name, std::string name, bool name_given)
      : Model(class_name, std::move(name), name_given), class_name_(std::move(class_name)) {}
  [[nodiscard]] std::string_view class_name() const override { return class_name_; }
  [[nodiscard]] Json config() const override {
    const py::gil_scoped_acquire locked;
    return json_from_python(self().attr("_file_config")(), name(), "get_config");
  }
  void apply_config(const Json& config, const model::LayerMaker&) override {  // the object was made by its class's from_config
    const py::gil_scoped_acquire locked;
    self().attr("_apply_file_config")(json_to_python(config));
    if (!config.at("types").is_null()) {
      std::vector<Shape> shapes;
      for (const Json& t : config.at("types").elements()) shapes.push_back(shape_from_json(t.at(1), class_name_));
      set_built(true, std::move(shapes));
    }
  }
  [[nodiscard]] std::vector<std::shared_ptr<nn::Layer>> layers() const override {
    const py::gil_scoped_acquire locked;
    return sublayers(self());
  }
  [[nodiscard]] std::vector<nn::Variable> weights() const override {
    const Visit visit(this);
    return visit.first() ? Model::weights() : std::vector<nn::Variable>();
  }
  void add_facts(std::vector<const void*>& facts) const override {
    const Visit visit(this);
    if (visit.first()) Model::add_facts(facts);
  }
  void set_trainable(bool on) override {
    const Visit visit(this);
    if (visit.first()) Model::set_trainable(on);
  }
  [[nodiscard]] bool trainable() const override {
    const Visit visit(this);
    return visit.first() && Model::trainable();
  }
  using Model::build;
  void build(std::span<const Shape> inputs) override {
    std::vector<Type> types;
    for (const Shape& s : inputs) types.push_back({dtype(), s});
    connect(types, {});
  }
  void connect(std::span<const Type> inputs, const Json&) override {
    const py::gil_scoped_acquire locked;  // the Python half has a lock of its own, which it waits for without this one
    self().attr("_connect")(types_to_list(inputs), py::none());
    if (!built()) set_built(true, shapes_of(inputs));
  }
  [[nodiscard]] std::vector<Type> output_types(std::span<const Type> inputs, const Json&) const override {
    const py::gil_scoped_acquire locked;
    return types_from_list(self().attr("_infer")(types_to_list(inputs), py::none()));
  }
  using Model::output_shape;
  [[nodiscard]] Shape output_shape(const Shape& input) const override {
    const std::vector<Shape> out = output_shapes({&input, 1});
    if (out.size() != 1) raise<ValueError>(label(), ": has ", out.size(), " outputs where one is wanted.");
    return out[0];
  }
  [[nodiscard]] std::vector<Shape> output_shapes(std::span<const Shape> inputs) const override {
    std::vector<Type> types;
    for (const Shape& s : inputs) types.push_back({dtype(), s});
    return shapes_of(output_types(types, {}));
  }
  [[nodiscard]] std::vector<std::string> input_names() const override { return {}; }
  [[nodiscard]] std::vector<std::string> output_names() const override {
    if (!built()) return {};
    const py::gil_scoped_acquire locked;
    return self().attr("_output_names").cast<std::vector<std::string>>();
  }
  [[nodiscard]] std::vector<Shape> given_shapes() const override {
    if (!built()) raise<StateError>("input_shape: the model is not built. Call it on data first.");
    return input_shapes();
  }
  [[nodiscard]] std::vector<Shape> result_shapes() const override { return output_shapes(given_shapes()); }

 protected:
  [[nodiscard]] std::vector<Tensor> forward(std::span<const Tensor> x, const nn::CallContext& context) override {
    const py::gil_scoped_acquire locked;
    const CallScope scope(context);
    return from_list(self().attr("_run")(to_list(x), py::none(), context.training));
  }
  void ensure_built(std::string_view, std::span<const Tensor> x) override {
    if (built()) return;
    std::vector<Type> types;
    for (const Tensor& t : x) {
      Shape s = t.shape();
      if (s.rank() > 0) s[0] = nn::kUnknown;
      types.push_back({is_float(t.dtype()) ? dtype() : t.dtype(), s});
    }
    connect(types, {});
  }
  [[nodiscard]] bool empty() const override { return !built(); }
  [[nodiscard]] std::vector<DType> output_dtypes() const override { return {dtype()}; }
  [[nodiscard]] std::vector<std::shared_ptr<nn::Layer>> output_layers() const override { return {}; }
  [[nodiscard]] std::vector<Row> summary_rows() const override {
    std::vector<Row> rows;
    for (const auto& l : layers()) rows.push_back({l.get(), "?", ""});
    return rows;
  }

 private:
  [[nodiscard]] py::object self() const { return python_of(this, *this); }
  static std::vector<Shape> shapes_of(std::span<const Type> types) {
    std::vector<Shape> out;
    for (const Type& t : types) out.push_back(t.shape);
    return out;
  }
  std::string class_name_;
};

// with _core.CallScope(training): a Python layer that Python code calls.
class PyScope {
 public:
  explicit PyScope(std::optional<bool> training) : training_(training) {}
  bool begin() {
    const nn::CallContext context = CallScope::next(training_);
    scope_.emplace(context);
    return context.training;
  }
  void end() { scope_.reset(); }

 private:
  std::optional<bool> training_;
  std::optional<CallScope> scope_;
};

}  // namespace

CallScope::CallScope(const nn::CallContext& context) : context_(context), before_(t_scope) { t_scope = this; }
CallScope::~CallScope() { t_scope = before_; }

bool CallScope::inside() { return t_scope != nullptr; }

nn::CallContext CallScope::next(std::optional<bool> training) {
  nn::CallContext out;
  if (t_scope) {
    out.training = t_scope->context_.training;
    out.step = t_scope->context_.step;
    if (t_scope->context_.seed) out.seed = nn::mix_seed(*t_scope->context_.seed + ++t_scope->calls_);
  }
  if (training) out.training = *training;
  return out;
}

namespace {

// What pybind11 visits: the type, and the dictionary. Where Python made a subclass that has its dictionary in a place of its own, Python's
// subtype_traverse has visited that already; visited twice, an object looks used from outside and is never collected.
int traverse(PyObject* self, visitproc visit, void* arg) {
  const PyTypeObject* base = Py_TYPE(self);
  while (base->tp_traverse != &traverse) base = base->tp_base;
  if (base->tp_dictoffset == Py_TYPE(self)->tp_dictoffset) return py::detail::pybind11_traverse(self, visit, arg);
  Py_VISIT(Py_TYPE(self));
  return 0;
}

}  // namespace

void count_attributes_once(py::handle type) { reinterpret_cast<PyTypeObject*>(type.ptr())->tp_traverse = &traverse; }

namespace {

// The only call of a layer in graphs.
std::shared_ptr<model::Node> only_call(const nn::Layer& l, const char* what) {
  const auto calls = model::calls_of(l);
  if (calls.size() == 1) return calls[0];
  raise<StateError>(l.label(), ": has ", calls.size(), " calls on symbolic tensors, so there is no single ", what, ".");
}

py::object kept_symbols(const py::object& layer, std::span<const model::Symbol> symbols) {
  std::vector<py::object> out;
  for (const model::Symbol& s : symbols) {
    out.push_back(py::cast(s));
    out.back().attr("_kept") = py::make_tuple(layer);
  }
  return one_or_list(std::move(out));
}

}  // namespace

void bind_python_layers(py::module_& m, py::class_<nn::Layer, std::shared_ptr<nn::Layer>>& layer) {
  layer
      .def_property_readonly(
          "input",
          [](const py::object& self) {
            const auto call = only_call(self.cast<const nn::Layer&>(), "input");
            const model::Symbol own{call, 0};
            return kept_symbols(self, call->is_input() ? std::span(&own, 1) : std::span<const model::Symbol>(call->inputs));
          },
          "The symbolic tensors that the layer was called on, where it was called once; StateError else.")
      .def_property_readonly(
          "output",
          [](const py::object& self) {
            const auto call = only_call(self.cast<const nn::Layer&>(), "output");
            std::vector<model::Symbol> out;
            for (std::size_t i = 0; i < call->outputs.size(); ++i) out.push_back({call, static_cast<int>(i)});
            return kept_symbols(self, out);
          },
          "The symbolic tensors that the layer gave, where it was called once; StateError else. Models of inner layers are made of "
          "them.");
  py::class_<PyLayer, nn::Layer, std::shared_ptr<PyLayer>> c(m, "PythonLayer", py::dynamic_attr(),
                                                             "The C++ half of nacre.layers.Layer.");
  count_attributes_once(c);
  c.def(py::init([](std::string class_name, std::optional<std::string> name, std::optional<std::string> dtype, bool trainable) {
          return std::make_shared<PyLayer>(
              std::move(class_name), nn::LayerCommon{.name = std::move(name), .dtype = std::move(dtype), .trainable = trainable});
        }),
        py::arg("class_name"), py::arg("name"), py::arg("dtype"), py::arg("trainable"))
      .def("_own_config", [](const PyLayer& l) { return json_to_python(l.own_config()); })
      .def("_own_names",
           [](const PyLayer& l) {
             std::vector<std::string> names;
             for (const nn::Variable& v : l.own_weights()) names.push_back(v.name);
             return names;
           })
      .def("_new_weight", &PyLayer::new_weight)
      .def("_mark_built",
           [](PyLayer& l, const py::object& shapes) {
             std::vector<Type> types;
             for (py::handle s : shapes)
               types.push_back({l.dtype(), shape_from_python(py::reinterpret_borrow<py::object>(s), "input_shape")});
             l.mark_built(types);
           })
      .def_property(
          "built", [](const PyLayer& l) { return l.built(); }, &PyLayer::set_built_flag, "True once the weights are there.");
  py::class_<PyScope> scope(m, "CallScope", "The call of a Python layer: layers that it calls take its mode.");
  refuse_pickling(scope, "Make a new one.");
  scope.def(py::init<std::optional<bool>>(), py::arg("training") = py::none())
      .def("__enter__", &PyScope::begin)
      .def("__exit__", [](PyScope& s, const py::args&) { s.end(); });
  m.def("in_scope", &CallScope::inside, "True inside a call of a Python layer.");
  m.def("snake_case", &nn::snake_case, py::arg("class_name"), "The name that Keras gives to layers of a class.");
  m.def(
      "name_layers", [](const std::vector<std::shared_ptr<nn::Layer>>& layers) { model::name_layers(layers); }, py::arg("layers"),
      "Gives layers of one model unique names.");
}

void bind_python_models(py::module_& m, py::class_<model::Model, nn::Layer, std::shared_ptr<model::Model>>&) {
  py::class_<PyModel, model::Model, std::shared_ptr<PyModel>> c(m, "PythonModel", py::dynamic_attr(),
                                                                "The C++ half of subclasses of nacre.Model.");
  count_attributes_once(c);
  c.def(py::init([](std::string class_name, std::string name, bool name_given) {
          return std::make_shared<PyModel>(std::move(class_name), std::move(name), name_given);
        }),
        py::arg("class_name"), py::arg("name"), py::arg("name_given"));
}

}  // namespace nacre::python
