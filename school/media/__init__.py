"""Media: what was uploaded, what is being made of it, and the immutable timelines that lessons play."""
