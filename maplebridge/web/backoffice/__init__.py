"""Pages over the configuration; they come with the back office."""
