module benchmarks/gsl

go 1.25.0

require github.com/nats-io/nats-server/v2 v2.12.15
