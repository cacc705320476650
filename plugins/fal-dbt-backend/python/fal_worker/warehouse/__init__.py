"""Reading and writing tables, one folder for each warehouse."""
