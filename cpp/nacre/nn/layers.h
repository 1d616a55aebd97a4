// All layers.
#pragma once

#include "nacre/nn/activation_layers.h"
#include "nacre/nn/attention.h"
#include "nacre/nn/conv.h"
#include "nacre/nn/dense.h"
#include "nacre/nn/embedding.h"
#include "nacre/nn/initializer.h"
#include "nacre/nn/layer.h"
#include "nacre/nn/merging.h"
#include "nacre/nn/normalization.h"
#include "nacre/nn/pooling.h"
#include "nacre/nn/regularization.h"
#include "nacre/nn/reshaping.h"
#include "nacre/nn/rnn.h"
