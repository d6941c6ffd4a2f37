"""The view that can be turned: what it holds, and that a browser shows it."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from solids import solid
from synthetic import grid, state_of

# Turns the view, hides sites by the last step of the slider, colours by the second field, and tells what came of it.
SCRIPT = """
<script>
window.addEventListener("load", async () => {
    const view = document.querySelector(".plotly-graph-div");
    await Plotly.relayout(view, {"scene.camera.eye": {x: 0.5, y: 2, z: 0.5}});
    const steps = view.layout.sliders[0].steps, buttons = view.layout.updatemenus[0].buttons;
    await Plotly.restyle(view, ...steps[steps.length - 1].args);
    await Plotly.restyle(view, ...buttons[1].args);
    const sizes = Array.from(view._fullData[1].marker.size);
    document.title = JSON.stringify({shown: sizes.filter(size => size > 0).length,
        eye: view._fullLayout.scene.camera.eye.y, colours: view._fullData[1].marker.color.length,
        bar: view._fullData[1].marker.colorbar.title.text,
        canvas: document.querySelectorAll("canvas").length,
        slider: document.querySelectorAll(".slider-rail-rect").length});
});
</script>
"""


@pytest.fixture(scope="module")
def state():
    return solid()


def test_what_it_holds(state):
    pytest.importorskip("plotly")
    made = state.to_si(0.1, 1e-9).explore()
    hoppings, sites = made.data[:2]
    assert len(sites.x) == len(state.power)
    np.testing.assert_allclose(sites.x, state.positions[:, 0])
    assert made.layout.scene.xaxis.title.text == "x (nm)"
    assert "W)" in sites.marker.colorbar.title.text
    np.testing.assert_allclose(np.diff(np.reshape(hoppings.x, (-1, 3))[:, :2], axis=1).max(), 1)
    assert [button.label.split(" (")[0] for button in made.layout.updatemenus[0].buttons][:2] == [
        "power per site", "electrochemical potential µ"]
    only = state.explore("density")
    assert len(only.layout.updatemenus[0].buttons) == 1
    with pytest.raises(ValueError, match=r"fields must be of power, .*, got 'nonsense'"):
        state.explore("nonsense")


def test_lines_and_planes():
    pytest.importorskip("plotly")
    positions, bonds = grid(6, 4)
    for flat in (state_of(np.arange(10.0)), state_of(positions[:, 0], positions, bonds)):
        sites = flat.explore().data[1]
        assert set(sites.z) == {0.0}
        assert sites.marker.colorscale is not None


def test_without_plotly(state, monkeypatch):
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)
    with pytest.raises(ImportError, match=r"pip install 'kwant_dissip\[explore\]'"):
        state.explore()


def test_in_a_browser(state, tmp_path):
    """Headless, without a network: the page turns, hides sites and changes colours."""
    pytest.importorskip("plotly")
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")
    page = tmp_path / "state.html"
    state.explore().write_html(page, include_plotlyjs=True)
    text = page.read_text()
    page.write_text(text.replace("</body>", SCRIPT + "</body>"))
    found = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-dev-shm-usage", "--use-angle=swiftshader",
         "--enable-unsafe-swiftshader", "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000",
         f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, check=True)
    title = re.search(r"<title>(.*?)</title>", found.stdout)
    assert title, found.stderr[-2000:]
    told = json.loads(title[1].replace("&quot;", '"'))
    assert told == {"shown": int((np.abs(state.power) >= 0.9 * np.abs(state.power).max()).sum()), "eye": 2,
                    "colours": len(state.power), "bar": "electrochemical potential µ (E0)", "canvas": told["canvas"],
                    "slider": 1}
    assert told["canvas"] > 0
