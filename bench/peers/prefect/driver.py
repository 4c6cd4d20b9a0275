from drive import drive
from jobs import job, steps_of


def burst(numbers):
    for future in [job.delay(number) for number in numbers]:
        future.wait(timeout=120)


drive(burst, job.delay, steps_of)
