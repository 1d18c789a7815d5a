"""What could be widened, at what price, and which of it gets a token under its budget. The judge grades it after that."""
