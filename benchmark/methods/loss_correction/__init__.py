"""Methods that correct the loss with a transition matrix, known or estimated."""
