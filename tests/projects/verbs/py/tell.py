print("saw", context.current_model.name, context.current_model.status)
