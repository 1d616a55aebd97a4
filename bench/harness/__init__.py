"""The parts of bench/run.py: cases, child processes, the machine and its limits, figures, reports. Standard library only, but for the workloads."""
