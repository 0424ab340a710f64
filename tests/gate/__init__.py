"""Nothing leaks: for made-up people and cases, what comes out of every way equals an oracle."""
