"""Gateway and jobs for a dbt that the supervisor runs as a program: the project over manifest.json.

The supervisor reads the settings, calls dbt and collects the results. This process imports nothing
of dbt; it starts only if Python runs.
"""
