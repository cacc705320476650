TEXT = "a module beside the scripts"
