"""Complex numbers of LANES lanes as pairs (real parts, imaginary parts), for the bodies of intrinsics (`vectors`)."""

# A divisor whose square is smaller is replaced by its square root: where a pivot vanishes, a determinant does not.
_LEAST = 1e-60


def zero(w):
    """0 in every lane."""
    return w.constant(0), w.constant(0)


def add(w, a, b):
    """A + b."""
    return tuple(w.builder.fadd(x, y) for x, y in zip(a, b, strict=True))


def subtract(w, a, b):
    """A - b."""
    return tuple(w.builder.fsub(x, y) for x, y in zip(a, b, strict=True))


def negative(w, a):
    """-a."""
    return tuple(w.builder.fneg(x) for x in a)


def multiply(w, a, b):
    """A b."""
    return (w.fma(w.builder.fneg(a[1]), b[1], w.builder.fmul(a[0], b[0])),
            w.fma(a[1], b[0], w.builder.fmul(a[0], b[1])))


def multiply_add(w, a, b, c):
    """A b + c."""
    return (w.fma(w.builder.fneg(a[1]), b[1], w.fma(a[0], b[0], c[0])),
            w.fma(a[1], b[0], w.fma(a[0], b[1], c[1])))


def less_product(w, c, a, b):
    """C - a b."""
    minus = w.builder.fneg(a[0])
    return w.fma(a[1], b[1], w.fma(minus, b[0], c[0])), w.fma(w.builder.fneg(a[1]), b[0], w.fma(minus, b[1], c[1]))


def square(w, a):
    """|a|^2."""
    return w.fma(a[0], a[0], w.builder.fmul(a[1], a[1]))


def inverse(w, a):
    """1 / a; not finite where a vanishes."""
    over = w.builder.fdiv(w.constant(1), square(w, a))
    return w.builder.fmul(a[0], over), w.builder.fneg(w.builder.fmul(a[1], over))


def reciprocal(w, a):
    """1 / a; very large where a vanishes."""
    f, size = w.builder, square(w, a)
    small = f.fcmp_ordered("<", size, w.constant(_LEAST))
    real = f.select(small, w.constant(_LEAST ** 0.5), a[0])
    inverse = f.fdiv(w.constant(1), f.select(small, w.constant(_LEAST), size))
    return f.fmul(real, inverse), f.fneg(f.fmul(f.select(small, w.constant(0), a[1]), inverse))
