"""The generated attack: every public op, layer, loss, metric, optimizer and model method x each argument x every class of bad value."""
