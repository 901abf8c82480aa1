"""How a method is trained: batches, augmentation, the learner, the trainer, predictions."""
