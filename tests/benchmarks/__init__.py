"""Programs that print the figures of the manual; they judge nothing."""
