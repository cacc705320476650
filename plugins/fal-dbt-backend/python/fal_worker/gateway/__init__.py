"""The data gateway: what models read and write, as Arrow, while they run in processes of their own."""
