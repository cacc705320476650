"""Any other adapter, over its own connections."""
