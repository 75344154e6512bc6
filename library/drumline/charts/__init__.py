"""One file a format or corpus: each reads it, and writes it where that is useful."""
