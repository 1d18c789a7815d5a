"""Tokens to typed claims and back, byte for byte; signatures, the chain of issuers, and what each byte is for."""
