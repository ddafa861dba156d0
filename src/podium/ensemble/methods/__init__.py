"""The methods of a blend, one file a family; ``podium.config.blending`` has the table of them."""
