from prefect.task_worker import serve

from jobs import job

if __name__ == "__main__":
    serve(job, limit=16)
