"""The project's code location, whose steps Celery's workers run: `docs/deployment.md`."""

from pathlib import Path

import yaml
from dagster_celery import celery_executor

from esrd_pipeline.definitions import make_definitions

_CONFIG = Path(__file__).with_name("celery.yaml")
_EXECUTION = yaml.safe_load(_CONFIG.read_text(encoding="utf-8"))["execution"]

defs = make_definitions(celery_executor.configured(_EXECUTION["config"]))
