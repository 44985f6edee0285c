"""Tables, figures, verdicts, and notebooks rendered to PDF."""
