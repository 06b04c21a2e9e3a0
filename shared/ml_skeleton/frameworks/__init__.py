"""What a training function of PyTorch or TensorFlow needs beside its model."""
