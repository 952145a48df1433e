"""Finds the packages: trust_benchmarks lives in include/ (fixed by the design card), trust_benchmarks_local in local/."""

from pathlib import Path

from setuptools import find_packages, setup

FOLDERS = {"trust_benchmarks": "include", "trust_benchmarks_local": "local"}
# The production image has no local/.
present = {package: folder for package, folder in FOLDERS.items() if Path(folder).is_dir()}

setup(
    package_dir=present,
    # SQL, catalogue, reference data, templates: everything that stands beside the modules.
    package_data={package: ["**/*"] for package in present},
    exclude_package_data={"": ["**/__pycache__/*"]},
    packages=[
        *present,
        *(f"{package}.{room}" for package, folder in present.items() for room in find_packages(folder)),
    ],
)
