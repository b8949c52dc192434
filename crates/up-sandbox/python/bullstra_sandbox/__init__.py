"""An AWS account to play with: moto, and what moto lacks."""

from . import environment  # noqa: F401  (moto reads these settings while it is imported)

__version__ = "0.1.0"
