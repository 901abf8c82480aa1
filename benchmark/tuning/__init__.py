"""Search of hyper-parameters: spaces, trials as records, frozen settings."""
