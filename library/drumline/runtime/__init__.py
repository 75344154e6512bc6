"""Where Ray lives: connect to it, map over songs with retries and rejection, record what ran."""
