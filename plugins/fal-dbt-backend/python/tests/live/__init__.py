"""Real sessions over real projects, for the tests of the session and the gateway."""
