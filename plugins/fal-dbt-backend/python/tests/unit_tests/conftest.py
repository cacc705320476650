"""The fixtures over the stand-ins."""

from stand_ins.fixtures import *
