"""The page of a library: its playlists, its map and its artists, in one HTML file."""
