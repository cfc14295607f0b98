"""How fast and how lean the package is beside the libraries that compute the same.

``python -m benchmarks`` runs every topic, ``python -m benchmarks reliability`` one of them (with
``PYTHONPATH=src`` where the package is not installed). A topic is a module here with a function
``rows()`` that returns one dictionary a line of its table; :mod:`benchmarks.__main__` prints it.

Each side runs in a process of its own, on the same seeded data, with its libraries imported
beforehand and one BLAS thread, as the kernels of a run have. Seconds are wall-clock time, the best
of the repetitions; those of all processors together stand beside. Memory is what the resident set
of the process grew beyond the data at its highest during the first call, with the buffers of BLAS,
as Linux counts it. Where the two sides do not agree the run fails. Times depend on what else the
machine does, ratios less: run it alone.
"""
