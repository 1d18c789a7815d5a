"""What every token of a hierarchy weighs, what stands out, and what the rules found: records, and no I/O."""
