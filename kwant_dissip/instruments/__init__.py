"""What is learnt of a state by measuring it."""
