"""Ways to reach the population: files here; sweep, roster and bulk against a server."""
