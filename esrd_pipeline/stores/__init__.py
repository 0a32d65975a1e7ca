"""Where stored tables lie: a folder, or a bucket of an object store with copies in a folder."""

from esrd_pipeline.settings import Settings
from esrd_pipeline.stores.folder import FolderStore
from esrd_pipeline.stores.objects import ObjectStore
from esrd_pipeline.stores.store import Store


def open_store(settings: Settings) -> Store:
    """Return the store of an installation's stored tables; nothing is asked or made yet."""
    if settings.bucket is None:
        return FolderStore(settings.warehouse_dir)
    return ObjectStore(settings.bucket, settings.warehouse_dir)
