"""Methods that keep a network from memorizing wrong labels."""
