"""The replay of an online test: who visits, what may be shown, and what follows."""
