"""Ten lines for one's own model: a chain with a smooth bump, phonons away from it, heat at any bias."""

import kwant
import numpy as np

import kwant_dissip as kd

chain = kwant.lattice.chain(norbs=1)
builder = kwant.Builder()
builder[(chain(i) for i in range(-150, 151))] = lambda site: 0.6 * np.exp(-(site.tag[0] / 3) ** 2)
builder[chain.neighbors()] = -1
lead = kwant.Builder(kwant.TranslationalSymmetry((-1,)))
lead[chain(0)] = 0
lead[chain.neighbors()] = -1
builder.attach_lead(lead)
builder.attach_lead(lead.reversed())

reservoirs = [kd.Reservoir(mu=-1.45, temperature=0.05), kd.Reservoir(mu=-1.55, temperature=0.05)]
bath = kd.PhononBath(temperature=0.05, mean_free_path=lambda site: 30 if abs(site.tag[0]) > 10 else np.inf)
state = kd.steady_state(builder.finalized(), reservoirs, bath)

print(f"current {state.current[0]:.4e}, power {state.power.sum():.4e}")
for spot in kd.heat_spots(state):
    print(f"{spot.kind} spot at x = {spot.position:.0f}")
state.plot().savefig("own_model.png", dpi=150)
state.save("own_model.h5")
