"""Methods that replace labels by what the model, a neighbour or a memory believes."""
