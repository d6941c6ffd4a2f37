"""Ctrl-C ends what runs, whatever functions of a user make of it."""

import kwant
import numpy as np
import pytest

import kwant_dissip as kd
from kwant_dissip.errors import heed_interrupt, users_function
from kwant_dissip.systems import chain


def interrupt(*_):
    """As compiled code hands Ctrl-C on: SystemError, of which it is the cause."""
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt as error:
        raise SystemError("returned a result with an exception set") from error


def turned(*_):
    """As a user's function turns that into an error of its own."""
    try:
        interrupt()
    except SystemError:
        raise ValueError("no value")  # noqa: B904 (as careless users do)


RESERVOIRS = [kd.Reservoir(-0.9, 0.3), kd.Reservoir(-1.1, 0.3)]
BATH = kd.PhononBath(0.3, rate=0.2)


def molecule(self_energy):
    lattice, builder = kwant.lattice.chain(norbs=1), kwant.Builder()
    builder[lattice(0)] = -1.0
    builder.leads += [kwant.builder.SelfEnergyLead(self_energy, [lattice(0)], parameters=()) for _ in range(2)]
    return builder.finalized()


def in_self_energy(function):
    """At energies above the real axis only, where a lead is asked whether it is retarded."""
    def self_energy(energy, args=(), params=None):  # noqa: ARG001 (as kwant calls it)
        return function() if np.imag(energy) else np.array([[-0.1j]])

    return kd.steady_state(molecule(self_energy), RESERVOIRS, kd.PhononBath(0.3, rate=0.1), rtol=1e-2)



CALLS = {
    "rate": lambda function: kd.steady_state(chain.barrier(length=3).finalized(), RESERVOIRS,
                                             kd.PhononBath(0.3, rate=function)),
    "transmission": lambda function: kd.kinetic.steady_state(function, RESERVOIRS, BATH, velocity=np.ones_like,
                                                             length=1.0),
    "self-energy": in_self_energy,
    "at_voltage_drop": lambda function: kd.at_voltage_drop(0.1, lambda bias: function(bias)),
    "at_current": lambda function: kd.at_current(0.1, lambda bias: function(bias)),
    "kernel": lambda function: kd.Tip(1e-9, kernel=function).norm(1),
}


@pytest.mark.parametrize("function", [interrupt, turned])
@pytest.mark.parametrize("name", CALLS)
def test_an_interrupt_ends_the_run(name, function):
    # A SystemError of `solve` itself comes through as it is: nobody here catches it.
    comes_through = name.startswith("at_") and function is interrupt
    with pytest.raises(SystemError if comes_through else KeyboardInterrupt):
        CALLS[name](function)


def test_errors_that_are_no_interrupts_go_on():
    try:
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            raise ValueError from None
    except ValueError as error:
        heed_interrupt(error)
    with pytest.raises(kwant.UserCodeError, match="The function given as rate"), users_function("rate", interrupt):
        raise ValueError


def test_an_interrupt_that_was_dealt_with_is_none():
    """``raise ... from None`` says so."""
    try:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise ValueError("dealt with") from None
    except ValueError as error:
        heed_interrupt(error)
