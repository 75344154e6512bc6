"""Any system's hits against the truth: from files, to numbers and a page."""
