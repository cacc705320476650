"""Compares our transformation of cells with IPython's.

Reads a JSON list of {"source", "python"} from stdin, prints a JSON list of the differences to stdout. Two texts are the
same if they parse to the same syntax tree, or if neither parses.
"""

import ast
import json
import sys
import warnings

from IPython.core.inputtransformer2 import TransformerManager

warnings.simplefilter("ignore")


def tree(text):
    try:
        return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError):
        return "no Python"


def difference(case):
    try:
        theirs = TransformerManager().transform_cell(case["source"])
    except Exception:  # IPython itself stumbles over some half-written cells
        return None
    if tree(theirs) == tree(case["python"]):
        return None
    return {"source": case["source"], "ours": case["python"], "ipython": theirs}


cases = json.load(sys.stdin)
json.dump([found for found in map(difference, cases) if found], sys.stdout)
