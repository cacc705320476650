"""Runs Python models as tasks of a Ray cluster.

Two processes: the plugin, which fal-host starts and which needs the standard library only (`backend`, `session`,
`config`, `process`), and the driver, which runs in a Python that has Ray (`driver`, `cluster`, `runs`, `run`, `kept`).
`remote` holds the code that runs in the cluster's workers.
"""

NAME = "fal-ray-runner"
VERSION = "0.1.0"
