"""One module a kind of file that `maplebridge load` can read; each exposes `command`."""
