"""The demo: the whole story on synthetic people, in the terminal."""
