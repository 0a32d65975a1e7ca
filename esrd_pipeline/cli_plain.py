"""Faults of an installation, of its files and folders, as one sentence instead of a traceback."""

import errno

import click

from esrd_pipeline.settings import SettingError

OF_PLACES = {
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
}
"""Errors of the system that a folder or file was named for, and not the code."""


class PlainGroup(click.Group):
    """Commands whose settings, parameter files and places for files may be wrong."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a fault of what it was given is one sentence, with exit code 1."""
        try:
            return super().invoke(ctx)
        except SettingError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.filename is None or error.errno not in OF_PLACES:
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error
