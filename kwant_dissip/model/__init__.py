"""What is given: reservoirs, baths, and a kwant system as numbers."""
