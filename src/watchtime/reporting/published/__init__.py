"""What the papers print, the rules by which it is judged, and the verdicts on it."""
