print("told of", context.current_model.name, context.current_model.status)
