"""Where fal 0.9 and newer had the magic."""
