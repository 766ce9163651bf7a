"""Measurements, side by side in one run. Nothing here is a test: figures are for docs/performance.md."""
