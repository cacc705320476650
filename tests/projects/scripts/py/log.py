import journal

journal.note("log.py", context.current_model)
