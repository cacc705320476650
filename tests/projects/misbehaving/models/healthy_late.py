"""Runs after those that change what a process shares with others: ref('chdir'), ref('patched')"""
import os

import pandas

assert os.path.basename(os.getcwd()) == "project", os.getcwd()
assert len(pandas.DataFrame({"a": [1]})) == 1
write_to_model(ref("orders"))
