"""Image competitions: pixels in a csv or image files become one array of bytes."""
