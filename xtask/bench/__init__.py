"""`cargo xtask bench`: measures fal-host and other tools on the same work, in one run."""
