// The ops of the nn family; see nn.inc for the list.
#pragma once

#include "nacre/ops/attention.h"
#include "nacre/ops/conv.h"
#include "nacre/ops/dropout.h"
#include "nacre/ops/embedding.h"
#include "nacre/ops/loss.h"
#include "nacre/ops/norm.h"
#include "nacre/ops/pool.h"
#include "nacre/ops/rnn.h"
