"""What could be widened, at what cost, and which of it gets a token under its budget; the judge grades each."""
