"""everyday-mini: a small image-text model trained from openly licensed drawings, CLDR annotations and a classifier of photographs."""
