"""Text out: the nsc commands that make an edit, and the scripts that run them safely."""
