//! Python parser plugin on rustpython-parser.
