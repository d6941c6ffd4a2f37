"""Results as named values, and where they are kept: files, datasets, folders of sweeps."""
