"""From a token to what its holder may do: own lists, the role's template filled in, or the account's defaults."""
