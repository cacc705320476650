"""Names of fal's first versions."""
