"""The grid worker's door; its pages come with the offline phone."""
