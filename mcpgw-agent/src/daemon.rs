//! Composition root: wires kernel, /proc, inventory and admin together.
