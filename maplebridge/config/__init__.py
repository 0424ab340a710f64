"""Settings, root URLs and commands; the only room that knows every other."""
