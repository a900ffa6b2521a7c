"""Rings and mounts of ThreeFs under the names that programs for 3FS import."""
