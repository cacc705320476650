//! What people and programs read of a run: terminal, JSON lines, run_results.json.
