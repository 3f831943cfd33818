"""Networks as `.tflite` files: one signature for each subnetwork, what they share stored once."""
