"""What is found: results with units, files and pictures."""
