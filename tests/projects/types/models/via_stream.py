class Stream:
    """Knows nothing but the Arrow C interface."""

    def __init__(self, table):
        self._table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


write_to_model(Stream(ref("every_type", as_="arrow")))
