"""The steps from an architecture to a finished bundle, each a function of what it is given; those that train need TensorFlow."""
