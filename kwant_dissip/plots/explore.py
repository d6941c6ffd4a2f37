"""A view of a system in three dimensions that can be turned, as a web page or in a notebook."""

from typing import TYPE_CHECKING

import numpy as np

from ..analysis.states import LatticeState
from .panels import Fields, known_fields, panel, spots_of
from .style import NEGATIVE, SPOT_MARKERS, in_units, with_unit

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

# Diameter of the sites, pixels; steps of the slider, as parts of the largest power.
_SIZE = 6
_STEPS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9)
# Fields that come first, if they are there.
_FIRST = ("power", "mu", "electron_temperature", "potential", "density")
# Height of the picture, pixels; the system's longest side in the view's units, and the least of its others over it.
_HEIGHT, _ACROSS, _THIN = 600, 1.8, 0.02
_SYMBOLS = {"heat": "diamond", "cold": "diamond-open"}


def figure(state: LatticeState, fields: Fields = None) -> "Figure":
    """See `SteadyState.explore`.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    ImportError
        If there is no plotly.
    ValueError
        If there is no such field.
    """
    try:
        import plotly.graph_objects as go
    except ImportError as error:
        raise ImportError("explore() needs plotly: pip install 'kwant_dissip[explore]'.") from error

    known = known_fields(state)
    names = [name for name in (*_FIRST, *known) if name in known] if fields is None else \
        [fields] if isinstance(fields, str) else list(fields)
    panels = [shown for shown in (panel(state, name) for name in dict.fromkeys(names))
              if fields is not None or np.any(np.isfinite(shown.values) & (shown.values != 0))]
    factor, unit = in_units(np.ptp(state.places, axis=0), "length", state.units)
    positions = np.zeros((len(state.positions), 3))
    positions[:, :state.positions.shape[1]] = factor * state.positions
    made = go.Figure([_hoppings(go, positions, state.bonds), _sites(go, positions, panels[0], state.power),
                      *_spots(go, state, factor)])
    made.update_layout(
        scene={**{f"{axis}axis": {"title": {"text": with_unit(axis, unit)}} for axis in "xyz"}, **_view(positions)},
        margin={"l": 0, "r": 0, "t": 40, "b": 30}, legend={"x": 0, "y": 0}, height=_HEIGHT,
        updatemenus=[{"buttons": [_button(shown) for shown in panels], "x": 0, "xanchor": "left", "y": 1.0,
                      "yanchor": "bottom"}],
        sliders=[{"steps": _steps(state.power), "x": 0.1, "len": 0.8, "pad": {"t": 10},
                  "currentvalue": {"prefix": "hide sites with less than ", "suffix": " of the largest power"}}])
    return made


def _view(positions):
    """Lengths to scale, the whole system in sight: a plane from above, a solid from aside."""
    extent = np.ptp(positions, axis=0)
    shape = np.maximum(extent / extent.max(), _THIN)
    eye, up = ((0, 0, 1.6), (0, 1, 0)) if extent[2] == 0 else ((0.5, -1.5, 0.6), (0, 0, 1))
    camera = {name: dict(zip("xyz", values, strict=True)) for name, values in (("eye", eye), ("up", up))}
    hidden = {"zaxis": {"visible": False}} if extent[2] == 0 else {}
    return {**hidden, "aspectmode": "manual", "aspectratio": dict(zip("xyz", (_ACROSS * shape).tolist(), strict=True)),
            "camera": {**camera, "projection": {"type": "orthographic"}}}


def _hoppings(go, positions, bonds):
    """All of them as one line with gaps."""
    pieces = np.full((len(bonds), 3, 3), np.nan)
    pieces[:, :2] = positions[bonds]
    x, y, z = pieces.reshape(-1, 3).T
    return go.Scatter3d(x=x, y=y, z=z, mode="lines", line={"color": "#bbbbbb", "width": 2}, hoverinfo="skip",
                        showlegend=False, name="hoppings")


def _sites(go, positions, shown, power):
    x, y, z = positions.T
    return go.Scatter3d(x=x, y=y, z=z, mode="markers", customdata=np.arange(len(positions)), showlegend=False,
                        name="sites", hovertemplate=_hover(shown), text=_texts(shown),
                        marker={**_colours(shown), "size": _sizes(power, 0.0), "line": {"width": 0}})


def _hover(shown):
    return "site %{customdata}<br>(%{x:.4g}, %{y:.4g}, %{z:.4g})<br>" + _plain(shown.label) + ": %{text}<extra></extra>"


def _texts(shown):
    return [f"{value:.4g}" for value in shown.values]


def _plain(label):
    """A label without TeX."""
    for tex, text in ((r"$E_0^2/\hbar$", "E0²/ħ"), ("$E_0$", "E0"), (r"$\mu$", "µ"), (r"$\mu_e$", "µ_e"),
                      ("$T_e$", "T_e"), ("$U$", "U")):
        label = label.replace(tex, text)
    return label


def _colours(shown):
    """What a marker needs; grey where nothing is known."""
    values = shown.values
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    scale = "Cividis"
    if shown.is_signed and min(high, -low) > NEGATIVE * max(high, -low):
        scale, high = "RdBu_r", max(-low, high)
        low = -high
    elif shown.is_signed:
        scale, low, high = ("Reds", 0.0, high) if high > 0 else ("Blues_r", low, 0.0)
    return {"color": np.where(np.isfinite(values), values, low), "colorscale": scale, "cmin": low, "cmax": high,
            "colorbar": {"title": {"text": _plain(shown.label), "side": "right"}}}


def _sizes(power, least):
    """0 hides a site."""
    largest = np.abs(power).max()
    return np.where(np.abs(power) >= least * largest, _SIZE, 0)


def _button(shown):
    style = {f"marker.{name}": [value] for name, value in _colours(shown).items() if name != "colorbar"}
    style["marker.colorbar.title.text"] = [_plain(shown.label)]
    return {"label": _plain(shown.label), "method": "restyle",
            "args": [{**style, "text": [_texts(shown)], "hovertemplate": [_hover(shown)]}, [1]]}


def _steps(power):
    return [{"label": f"{100 * part:g} %", "method": "restyle",
             "args": [{"marker.size": [_sizes(power, part)]}, [1]]} for part in _STEPS]


def _spots(go, state, factor):
    for kind, (_, colour, label) in SPOT_MARKERS.items():
        found = [spot for spot in spots_of(state, True) if spot.kind == kind]
        if found:
            along = int(np.argmax(np.ptp(state.positions, axis=0)))
            places = np.zeros((len(found), 3))
            for place, spot in zip(places, found, strict=True):
                if isinstance(spot.position, tuple):
                    place[:len(spot.position)] = spot.position
                else:
                    place[along] = spot.position
            x, y, z = factor * places.T
            yield go.Scatter3d(x=x, y=y, z=z, mode="markers", name=label, hoverinfo="name",
                               marker={"symbol": _SYMBOLS[kind], "size": 1.5 * _SIZE, "color": colour})
