// One build of all kernels: for LANES lanes, exported as TABLE.
#include "chain.h"
#include "energies.h"
#include "blocks.h"
#include "fronts.h"
#include "leads.h"

// What all others are made of, for tests: matrices of some groups inverted in their places, products A B and A B^+.
static int inverses(const num *size, void **at) {
    arena w = {0};
    room work = make_room(&w, size[1]);
    for (num group = 0; !w.failed && group < size[0]; group++)
        invert((z *)at[0] + group * size[1] * size[1], size[1], &work);
    return leave(&w);
}

static int products(const num *size, void **at) {
    num groups = size[0], rows = size[1], inner = size[2], columns = size[3], adjoint = size[4], hermitian = size[5];
    for (num group = 0; group < groups; group++) {
        const z *a = (const z *)at[0] + group * rows * inner, *b = (const z *)at[1] + group * inner * columns;
        z *c = (z *)at[2] + group * rows * columns;
        if (adjoint) multiply_adjoint(c, a, b, rows, inner, columns, (int)hermitian);
        else multiply(c, a, b, rows, inner, columns);
    }
    return 0;
}

#define KERNEL(name, sizes, arrays) {#name, sizes, arrays, name}
// Slices, sites, orbitals, hops, bonds, leads, energies, groups; rows of the leads' matrices, of G, and of B and C.
#define LAYOUT_SIZES "lsohbaegAGB"
#define LAYOUT "i:l i:l i:l i:l i:l i:o z:* i:* i:h i:h z:h i:h i:* i:b i:b z:b i:b i:* i:a i:* i:* i:* "

// Nodes, sites, orbitals, children, places, hops, contacts, leads, energies, groups, whether M is symmetric; rows of the leads'
// matrices and of what is kept.
#define FRONTS_SIZES "vsocphxaegyAK"
#define FRONTS "i:v i:v i:v i:v i:* i:c i:v i:p i:* i:h i:h z:h i:h i:* i:x i:x i:x i:x i:x i:o o i:v i:v i:v i:v i:v "

static const kernel all_kernels[] = {
    KERNEL(chain_green, "sept", "pe pe i:s s se se t > se se se se se"),
    KERNEL(chain_dressed, "se", "se se se se se > se se se"),
    KERNEL(chain_occupation, "sep", "se i:p pe se se se > se"),
    KERNEL(chain_response, "se", "s se se se se > s"),
    KERNEL(chain_moments, "bse", "bs bs e bse bse se se > 2bs"),
    KERNEL(transfer_eliminate, "pm", "p pm pm pm pm pm pm > p pm pm"),
    KERNEL(transfer_substitute, "pm", "p p pm pm pm pm pm pm > p"),
    KERNEL(fermi_difference, "se", "e s s 1 > se"),
    KERNEL(fermi_slope, "se", "e s s > se"),
    KERNEL(panel_sums, "spn", "spn spn spn spn pn pn 2pn > sp sp sp 6p p"),
    KERNEL(add_scattering, "sew", "se se s s > se se"),
    KERNEL(add_response, "sew", "se se s s > se"),
    KERNEL(emitted, "sew", "se se s s > se"),
    KERNEL(block_green, LAYOUT_SIZES, LAYOUT "2e s se se gA > gG gB gB z:oe e"),
    KERNEL(lead_rates, LAYOUT_SIZES, LAYOUT "gA > gA"),
    KERNEL(block_occupation, LAYOUT_SIZES, LAYOUT "se ae gA gG gB gB > se ae"),
    KERNEL(block_bond_flows, LAYOUT_SIZES, LAYOUT "se ae gA gG gB gB > *"),
    KERNEL(block_arrivals, LAYOUT_SIZES, LAYOUT "se ae gA gG gB gB > gG gG"),
    KERNEL(block_exchange, LAYOUT_SIZES, LAYOUT "se se gA gG gB gB > ss"),
    KERNEL(front_green, FRONTS_SIZES, FRONTS "2e s se se gA gA > gK z:oe ae e"),
    KERNEL(front_occupation, FRONTS_SIZES, FRONTS "se ae gA ae gK > se ae"),
    KERNEL(front_bond_flows, FRONTS_SIZES, FRONTS "se ae gA ae gK > *"),
    KERNEL(lead_modes, "nmrwbglRS", "* z:nn i:n i:2b z:b Rn z:R z:R lg lg > gS lg lg c:lg"),
    KERNEL(inverses, "gn", "> *"),
    KERNEL(products, "gikjad", "* * > *"),
    {NULL, NULL, NULL, NULL},
};

const kernel_build TABLE = {LANES, all_kernels};
