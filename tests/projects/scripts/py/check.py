import journal

journal.note("check.py", context.current_model)
