"""What things cost: CPU per stage, and CPU per REGISTER beside another registrar.

Timings of a shared machine mean little by themselves, so everything that is compared is measured
in one run, in turns. ``python -m benchmarks --help`` lists what there is.
"""
