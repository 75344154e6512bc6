"""What the renderer plays: recorded performances, varied, and passages that no recording holds."""
