"""Pages for the browser: one HTML file each, with style, scripts and data inside; it asks the network for nothing."""
