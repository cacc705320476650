"""The Python side of the dbt backend: the session process, the data gateway, and the processes that
run models.
"""
