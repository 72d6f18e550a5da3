"""Ways to reach the population of an EHR: whom to look at, and what their records hold."""
