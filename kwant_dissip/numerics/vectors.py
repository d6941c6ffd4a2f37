"""Instructions on the processor's vectors, for loops that compilers leave in scalars: written in LLVM's own language.

numba's compiler turns a loop over energies into vector instructions only if it can tell that no array overlaps another,
which it gives up beyond a few arrays, and it keeps no small matrix in registers.
"""

import llvmlite.binding
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.extending import intrinsic


def _has(feature):
    """Whether the processor that numba compiles for, which its cache goes by, has a feature."""
    if config.CPU_FEATURES is not None:
        return f"+{feature}" in config.CPU_FEATURES.split(",")
    return config.CPU_NAME is None and llvmlite.binding.get_host_cpu_features().get(feature, False)


WIDE = _has("avx512f")
# Doubles of a vector register.
LANES = 8 if WIDE else 4

DOUBLE, LONG = ir.DoubleType(), ir.IntType(64)


class Writer:
    """Writes instructions on vectors of so many doubles, for the body of a numba intrinsic.

    Attributes
    ----------
    builder : llvmlite.ir.IRBuilder
    vector : llvmlite.ir.VectorType
    args : list
        The intrinsic's arguments; arrays as the address of their first number.
    """

    def __init__(self, lanes, context, builder, signature, args):
        self.builder = builder
        self.lanes = lanes
        self.vector = ir.VectorType(DOUBLE, lanes)
        for ty in signature.args:
            if isinstance(ty, types.Array) and (ty.layout != "C" or ty.dtype != types.float64):
                raise TypeError(f"Vectors are those of contiguous arrays of float64, got {ty}.")
        self.args = [context.make_array(ty)(context, builder, arg).data if isinstance(ty, types.Array) else arg
                     for ty, arg in zip(signature.args, args, strict=True)]
        self._fma = cgutils.get_or_insert_function(builder.module, ir.FunctionType(self.vector, [self.vector] * 3),
                                                   f"llvm.fmuladd.v{lanes}f64")

    def fma(self, x, y, z):
        """X y + z."""
        return self.builder.call(self._fma, [x, y, z])

    def number(self, value):
        """A constant integer."""
        return ir.Constant(LONG, value)

    def constant(self, value):
        """A constant number in every lane."""
        return ir.Constant(self.vector, [float(value)] * self.lanes)

    def all_lanes(self, value):
        """A number in every lane."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        one = self.builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        return self.builder.shuffle_vector(one, undefined,
                                           ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes))

    def all_true(self, comparisons):
        """Whether all of them hold in every lane."""
        bits, all_of = ir.IntType(self.lanes), comparisons[0]
        for comparison in comparisons[1:]:
            all_of = self.builder.and_(all_of, comparison)
        return self.builder.icmp_unsigned("==", self.builder.bitcast(all_of, bits), ir.Constant(bits, -1))

    def choice(self, number, values, write):
        """Run `write(value)` with the value, known as it is written, that the number has; what it returns, if a truth.

        It is false for other numbers.
        """
        builder = self.builder
        end, found = builder.append_basic_block("end"), []
        for value in values:
            here, rest = builder.append_basic_block("here"), builder.append_basic_block("rest")
            builder.cbranch(builder.icmp_signed("==", number, self.number(value)), here, rest)
            builder.position_at_end(here)
            result = write(value)
            found.append((result, builder.block))
            builder.branch(end)
            builder.position_at_end(rest)
        found.append((ir.Constant(ir.IntType(1), 0), builder.block))
        builder.branch(end)
        builder.position_at_end(end)
        if found[0][0] is None:
            return None
        result = builder.phi(ir.IntType(1))
        for value, block in found:
            result.add_incoming(value, block)
        return result

    def everywhere(self, array, place):
        """The number at a place of an array, in every lane."""
        return self.all_lanes(self.builder.load(self.builder.gep(array, [place])))

    def load(self, array, place):
        """The vector that starts at a place of an array."""
        value = self.builder.load(self._address(array, place))
        value.align = 8
        return value

    def store(self, vector, array, place):
        """Put a vector at a place of an array."""
        self.builder.store(vector, self._address(array, place)).align = 8

    def _address(self, array, place):
        return self.builder.bitcast(self.builder.gep(array, [place]), self.vector.as_pointer())

    def loop(self, count, values, step):
        """Run `step(number, values)`, which gives new values, `count` > 0 times; the last values."""
        builder, start = self.builder, self.builder.block
        body, end = builder.append_basic_block("body"), builder.append_basic_block("end")
        builder.branch(body)
        builder.position_at_end(body)
        number = builder.phi(LONG)
        here = [builder.phi(value.type) for value in values]
        new = step(number, here)
        after = builder.add(number, self.number(1))
        last = builder.block
        builder.cbranch(builder.icmp_signed("<", after, count), body, end)
        for phi, first, later in zip([number, *here], [self.number(0), *values], [after, *new], strict=True):
            phi.add_incoming(first, start)
            phi.add_incoming(later, last)
        builder.position_at_end(end)
        return new


def written(write, *given):
    """What numba asks of an intrinsic: signature of these types, and the code of `write(writer, *arguments)`."""
    def code(context, builder, signature, args):
        writer = Writer(LANES, context, builder, signature, args)
        write(writer, *writer.args)
        return context.get_dummy_value()
    return types.void(*given), code


def answered(write, *given):
    """As `written`, of a function that returns what `write` does, true or false."""
    def code(context, builder, signature, args):
        writer = Writer(LANES, context, builder, signature, args)
        return write(writer, *writer.args)
    return types.boolean(*given), code


def written_along(write, *given):
    """As `written`, for as many places of rows as the first argument says: `write(writer, place, *arguments)`.

    Places that do not fill a vector go into shorter ones.
    """
    def code(context, builder, signature, args):
        start, lanes = ir.Constant(LONG, 0), LANES
        while lanes >= 1:
            writer = Writer(lanes, context, builder, signature, args)
            count = builder.sdiv(builder.sub(writer.args[0], start), writer.number(lanes))

            def step(number, values, writer=writer, start=start):
                write(writer, builder.add(start, builder.mul(number, writer.number(writer.lanes))), *writer.args)
                return values

            with builder.if_then(builder.icmp_signed(">", count, writer.number(0))):
                writer.loop(count, [], step)
            start = builder.add(start, builder.mul(count, writer.number(lanes)))
            lanes //= 2
        return context.get_dummy_value()
    return types.void(*given), code


@intrinsic
def called(context):  # noqa: ARG001 (numba's)
    """Mark a compiled function as one that is called, not copied into its callers: it is large and compiled once."""
    def code(context, builder, signature, args):  # noqa: ARG001
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()
    return types.void(), code
