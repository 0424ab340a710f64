"""The standard matter: anything a resident, grid worker, hotline or sensor can report."""
