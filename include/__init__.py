"""Trust Benchmarks: collects returns from NHS trusts, validates them and publishes benchmarks."""
