"""The kernel: what nats-server does with a subject and a permission. No claims, no clock, no I/O."""
