// The model file: one safetensors file that any reader of the format opens, with all that is needed to predict and to go on training exactly.
//
// Metadata: "format" = "nacre.model" or "nacre.weights", "format_version" = "1", "nacre_version", "config" (JSON: the architecture under "model",
// what compile was given under "compile"), "weight_names" (JSON list, in order), and io/safetensors.h's checksum over header and data.
// The architecture is {"class_name", "config"}: "Sequential" (config: layers), "Functional" (config: layers and the calls between them, see
// Functional::config), or a registered class of the user's, which only the program that loads can supply. With several outputs "loss" and
// "metrics" under "compile" are lists and "loss_weights" may stand beside them. Weights of nested models are "weights/<model>/<layer>/<weight>".
// Tensors: "weights/<layer>/<weight>"; "optimizer/<slot>/<layer>/<weight>"; "state/<what>" (single numbers: iterations, learning_rate, seed,
// training_calls, epochs_trained). Loading makes layers from the registry alone, checks every name, shape and dtype against the rebuilt
// architecture before anything is changed, and runs no code from the file.
#pragma once

#include <memory>
#include <string>

#include "nacre/model/model.h"

namespace nacre::model {

inline constexpr const char* kModelFormatVersion = "1";

// A model of one of the core's classes from a file of Model::save: architecture, weights, and when it was compiled, optimizer with state.
// The class in a file - "Sequential", "Functional", or one of the user's - and its configuration.
NACRE_API std::pair<std::string, Json> architecture_in_file(const std::string& path);
NACRE_API std::shared_ptr<Model> load_model(const std::string& path);

}  // namespace nacre::model
