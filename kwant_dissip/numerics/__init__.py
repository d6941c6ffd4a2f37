"""Numbers only: quadrature and compiled or stacked kernels, without any physics of their own."""
