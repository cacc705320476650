"""What the gateway and jobs may ask of a dbt project."""
