"""The workloads, one module per family; harness/cases.py says what a module offers."""
