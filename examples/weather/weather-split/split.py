"""The event's data is the text of a CSV file; its rows leave as events.

weather.file_received puts a month in each event. weather.file_received.by_day makes one of every single row: for
four years that is 1,461 events and 4,384 runs in one flow, which take minutes on a laptop.
"""

import csv
import io

from fx_ef import context

# How many days the rolling statistics of weather-anomalies look back.
HISTORY_DAYS = 30

text = context.event.get("data")
if not isinstance(text, str):
    raise SystemExit("the event's data must be the text of a CSV file: fx send weather.file_received --data @file.csv")

rows = list(csv.DictReader(io.StringIO(text)))
by_day = context.event["type"].endswith(".by_day")

batches = {}
for number, row in enumerate(rows):
    batches.setdefault(row["date"] if by_day else row["date"][:7], []).append(number)

for batch, numbers in batches.items():
    before = rows[max(0, numbers[0] - HISTORY_DAYS) : numbers[0]]
    context.events.send(
        "weather.rows_read",
        subject=batch,
        data={
            "batch": batch,
            "batches": len(batches),
            "rows": [rows[number] for number in numbers],
            "before": [row["temp_max"] for row in before],
        },
    )

print(f"{len(rows)} rows became {len(batches)} events")
