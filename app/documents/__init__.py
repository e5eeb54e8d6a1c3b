"""PDF papers: store, merge, manifest, templates of our own."""
