// The model file: one safetensors file that any reader of the format opens, with all that is needed to predict and to go on training exactly.
//
// Metadata: "format" = "nacre.model" or "nacre.weights", "format_version" = "1", "nacre_version", "config" (JSON: the architecture under "model",
// what compile was given under "compile"), "weight_names" (JSON list, in order), and io/safetensors.h's checksum over header and data.
// Tensors: "weights/<layer>/<weight>"; "optimizer/<slot>/<layer>/<weight>"; "state/<what>" (single numbers: iterations, learning_rate, seed,
// training_calls, epochs_trained). Loading makes layers from the registry alone, checks every name, shape and dtype against the rebuilt
// architecture before anything is changed, and runs no code from the file.
#pragma once

#include <memory>
#include <string>

#include "nacre/model/sequential.h"

namespace nacre::model {

inline constexpr const char* kModelFormatVersion = "1";

// A model from a file of Sequential::save: architecture, weights, and when it was compiled, optimizer with state.
NACRE_API std::shared_ptr<Sequential> load_model(const std::string& path);

}  // namespace nacre::model
