"""The job of two tables with its steps run by Celery's workers; copied to where its queues are."""

from pathlib import Path

import yaml
from dagster_celery import celery_executor

from esrd_pipeline_tests.orchestration.small_job import make_definitions

_CONFIG = Path(__file__).with_name("celery.yaml")
_EXECUTION = yaml.safe_load(_CONFIG.read_text(encoding="utf-8"))["execution"]

defs = make_definitions("asked", celery_executor.configured(_EXECUTION["config"]))
