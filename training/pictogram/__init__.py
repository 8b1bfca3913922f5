"""pictogram-mini: a small image-text model trained from openly licensed drawings and CLDR annotations."""
