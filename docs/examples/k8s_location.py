"""The project's code location, whose steps are Kubernetes jobs: `docs/deployment.md`."""

from dagster_k8s import k8s_job_executor

from esrd_pipeline.definitions import make_definitions

defs = make_definitions(
    k8s_job_executor.configured(
        {
            "env_vars": [
                "ESRD_DATA_DIR=/esrd",
                "ESRD_PATIENT_DIR=/esrd/raw/patient",
                "ESRD_PUBLISHED_DIR=/esrd/raw/published",
            ],
            "volumes": [{"name": "esrd", "persistentVolumeClaim": {"claimName": "esrd"}}],
            "volume_mounts": [{"name": "esrd", "mountPath": "/esrd"}],
            # DuckDB may use 4 GB before it spills; a model's design is held beside it.
            "resources": {"requests": {"memory": "8Gi"}, "limits": {"memory": "12Gi"}},
            "max_concurrent": 2,
        }
    )
)
