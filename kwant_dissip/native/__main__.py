"""Which build of the kernels runs here, and which others could: `KWANT_DISSIP_SIMD=v2` asks for one of them."""

from . import BUILD, LANES, USABLE

print(f"kernels: build {BUILD}, vectors of {LANES} doubles; this processor runs {', '.join(USABLE)}")
