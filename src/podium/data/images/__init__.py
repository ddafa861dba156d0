"""Image competitions: pixels in a CSV, or image files, become one ``uint8`` array."""
