"""Many jobs are tasks of one flow, which is Prefect's quick way; a single one is queued for the task worker."""

from drive import drive
from jobs import job, jobs_of, steps_of

drive(lambda numbers: jobs_of(list(numbers)), job.delay, steps_of)
