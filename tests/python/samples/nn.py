"""Samples of the nn family: convolution and pooling; normalisation, dropout, embedding and attention; recurrent layers; losses."""

from __future__ import annotations

from . import nn_conv, nn_loss, nn_norm, nn_rnn

SAMPLES = {**nn_conv.SAMPLES, **nn_norm.SAMPLES, **nn_rnn.SAMPLES, **nn_loss.SAMPLES}
BAD = {**nn_conv.BAD, **nn_norm.BAD, **nn_rnn.BAD, **nn_loss.BAD}
