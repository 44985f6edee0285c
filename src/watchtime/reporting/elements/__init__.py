"""What every page is set with: tables, numbers under one another, figures, notes, words."""
