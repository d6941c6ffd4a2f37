"""What a thermometer on a tip sees of a sample: resolution, height, noise."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import quad

from ..errors import users_function
from ..numerics.checks import check_positive, is_number

# Full width at half maximum of a Gaussian, in standard deviations.
_FWHM = np.sqrt(8 * np.log(2))
# Elements into which the sample is cut for one width of the tip.
ELEMENTS = 16
# Relative error up to which the integral of a kernel counts as known.
_INTEGRAL = 1e-5
# A distance, in widths, where nothing may be left of it but this part: quad takes some divergent ones for finite.
_FAR, _TAIL = 1e6, 1e-2


class Tip:
    """A scanning thermometer.

    Parameters
    ----------
    width : float
        What it resolves when it touches, m, positive: the full width at half maximum of a Gaussian, the diameter of a
        disc, or for a kernel of your own a length over which that varies.
    height : float, optional
        Above the sample, m. A Gaussian or a disc has the width sqrt(width^2 + height^2): a tip resolves about its
        size or its distance, whichever is larger. A kernel of your own is taken as it is.
    kernel : {"gaussian", "disc"} or callable, optional
        Weight as a function of the lateral distance: ``kernel(r)`` takes an array of distances in m and returns as many
        values, not negative; its norm does not count.
    sensitivity : float, optional
        Noise, K/Hz^(1/2): root of a white, one-sided spectral density, as data sheets give it; needs a `dwell_time`.
        Without it the image has no noise.
    dwell_time : float, optional
        Time at each point, s: each is a mean over it, with the standard deviation
        sensitivity / (2 dwell_time)^(1/2).

    Raises
    ------
    ValueError
        If a number is out of range, or one of `sensitivity` and `dwell_time` is missing.
    TypeError
        If `kernel` is none.

    Notes
    -----
    What the tip reads is a mean of the temperature above the substrate's, with weights that add up to 1 above the
    middle of a wide sheet, or on top of a long wire: beside a wire the reading falls as the weight does. That the tip
    takes or gives no heat, and what is in between, is not described.

    A superconducting interference device on a tip has below 1e-6 K/Hz^(1/2) at 4.2 K and less than 50 nm:
    D. Halbertal et al., Nature 539, 407 (2016).
    """

    def __init__(self, width: float, *, height: float = 0.0,
                 kernel: str | Callable[[np.ndarray], Any] = "gaussian", sensitivity: float | None = None,
                 dwell_time: float | None = None) -> None:
        check_positive("Tip width", width, "m")
        if not is_number(height) or height != 0:
            check_positive("Tip height", height, "m")
        if not callable(kernel) and kernel not in ("gaussian", "disc"):
            raise TypeError(f'kernel must be "gaussian", "disc" or a function of the distance, got {kernel!r}.')
        if (sensitivity is None) != (dwell_time is None):
            raise ValueError("sensitivity and dwell_time make noise together, got "
                             f"sensitivity={sensitivity!r}, dwell_time={dwell_time!r}.")
        if sensitivity is not None:
            check_positive("Tip sensitivity", sensitivity, "K/Hz^(1/2)")
            check_positive("Tip dwell_time", dwell_time, "s")
        self.width, self.height, self.kernel = float(width), float(height), kernel
        self.sensitivity, self.dwell_time = sensitivity, dwell_time

    def __repr__(self):
        return (f"Tip({self.width!r}, height={self.height!r}, kernel={self.kernel!r}, "
                f"sensitivity={self.sensitivity!r}, dwell_time={self.dwell_time!r})")

    @property
    def resolution(self) -> float:
        """Width at its height, m."""
        return self.width if callable(self.kernel) else float(np.hypot(self.width, self.height))

    @property
    def noise(self) -> float:
        """Standard deviation of the noise, K; 0 without."""
        if self.sensitivity is None or self.dwell_time is None:
            return 0.0
        return self.sensitivity / (2 * self.dwell_time) ** 0.5

    @property
    def element(self) -> float:
        """Size of the elements that the sample should be cut into, m."""
        return self.resolution / ELEMENTS

    def weights(self, distance: np.ndarray, element: np.ndarray) -> np.ndarray:
        """Weights of elements of the sample of lengths `element` at lateral distances, not yet of norm 1."""
        if callable(self.kernel):
            return _users(self.kernel, distance)
        if self.kernel == "disc":
            # The part of an element that is inside.
            return np.clip((0.5 * self.resolution - distance) / element + 0.5, 0.0, 1.0)
        return np.exp(-0.5 * (_FWHM * distance / self.resolution) ** 2)

    def norm(self, dimensions: int) -> float:
        """Integral of the weights along a line through the middle, or over a plane."""
        size, kernel = self.resolution, self.kernel
        if callable(kernel):
            # The plane's rings are 2 pi r wide, the line has two sides.
            def density(r):
                return float(_users(kernel, np.array([r * size]))[0] * (2 if dimensions == 1 else 2 * np.pi * r))

            value, error, *_ = quad(density, 0, np.inf, epsabs=0, limit=500, full_output=1)  # no warning: error tells
            far = _FAR * density(_FAR)  # what each factor of e further out adds
            if not 0 < value < np.inf or error > _INTEGRAL * value or far > _TAIL * value:
                raise ValueError("kernel must have a positive, finite integral over the "
                                 f"{'line' if dimensions == 1 else 'plane'}, got {value:.4g} with an error of "
                                 f"{max(error, far):.2g} (in units of width).")
        elif kernel == "disc":
            value = 1.0 if dimensions == 1 else 0.25 * np.pi
        else:
            value = (np.sqrt(2 * np.pi) / _FWHM) ** dimensions
        return float(value * size ** dimensions)


def _users(kernel, distance):
    with users_function("kernel", kernel):
        values = np.asarray(kernel(distance))
    if values.shape != np.shape(distance) or values.dtype.kind not in "fiu":
        raise ValueError(f"kernel must return one real number for each distance, shape {np.shape(distance)}, got "
                         f"{values.dtype} of shape {values.shape}.")
    if not np.all(np.isfinite(values) & (values >= 0)):
        raise ValueError(f"kernel must be finite and not negative, got {values.min()!r} to {values.max()!r}.")
    return values.astype(float)
