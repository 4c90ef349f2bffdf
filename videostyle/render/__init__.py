"""From names to finished files: planning, styles, running."""
