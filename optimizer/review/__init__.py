"""From a saved plan and a person's decisions to what may be written into a script, and back to a proof."""
