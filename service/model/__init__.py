"""The nouns: plain frozen values that every room shares, and nothing that acts."""
