// Everything for C++ programs in one include: tensors and ops, gradients, layers, optimizers, models, files and data.
#pragma once

#include "nacre/autograd/tape.h"
#include "nacre/base/threads.h"
#include "nacre/base/warning.h"
#include "nacre/data/idx.h"
#include "nacre/io/safetensors.h"
#include "nacre/metrics/loss.h"
#include "nacre/metrics/metric.h"
#include "nacre/model/functional.h"
#include "nacre/model/model_file.h"
#include "nacre/model/sequential.h"
#include "nacre/nn/layers.h"
#include "nacre/ops/ops.h"
#include "nacre/ops/random_state.h"
#include "nacre/optim/optimizer.h"
#include "nacre/version.h"
