"""The sizes of accounts over time: runs kept in a file, and what grew between them."""
