"""Dagster's launcher of runs, which can also end the runs that a command started.

Dagster's own asks the server that launched a run to end it, and answers "Unable to terminate run"
where no server did. A command asks Dagster every other second whether its run is to end
(`stopping`), so it is enough to note that it is.
"""

from dagster import DagsterRunStatus
from dagster._core.launcher import DefaultRunLauncher

from esrd_pipeline.processes import PROCESS_TAG


class CommandRunLauncher(DefaultRunLauncher):
    """Launches runs as Dagster's own does; ends those of a command by a note to it."""

    def terminate(self, run_id: str) -> bool:
        """Ask a run to end; return whether it was asked."""
        run = self._instance.get_run_by_id(run_id) if self.has_instance else None
        if run is None or PROCESS_TAG not in run.tags:
            return super().terminate(run_id)
        if run.is_finished:
            return False
        if run.status != DagsterRunStatus.CANCELING:
            self._instance.report_run_canceling(run)
        return True
