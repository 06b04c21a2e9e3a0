"""The page of a study: charts, and a table of its trials, in one file that needs no network."""
