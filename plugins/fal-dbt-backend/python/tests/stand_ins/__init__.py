"""Stand-ins for the two partners of a job: the data gateway and the supervisor."""
