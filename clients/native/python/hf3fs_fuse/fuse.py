"""Where a path's file system is mounted, by the convention that mounts lie at /a/b."""

import os


def get_mount_point(path):
    """The first two folders of the real path."""
    return "/".join(os.path.realpath(path).split("/")[:3])
