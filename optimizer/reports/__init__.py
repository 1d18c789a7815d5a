"""Text out: what was found, for a terminal, a machine or a page; one file a form."""
