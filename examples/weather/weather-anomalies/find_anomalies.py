from statistics import fmean, stdev

from fx_ef import context

WINDOW = 30
THRESHOLD = 3.0

batch = context.params.get("batch")
rows = context.params.get("rows")
history = list(context.params.get("before"))

anomalies = 0
for row in rows:
    value = row["temp_max"]
    window = history[-WINDOW:]
    if len(window) == WINDOW:
        mean, deviation = fmean(window), stdev(window)
        score = (value - mean) / deviation if deviation > 0 else 0.0
        if abs(score) >= THRESHOLD:
            anomalies += 1
            kind = "warm" if score > 0 else "cold"
            print(f"{row['date']}: {value} °C is unusually {kind} after a mean of {mean:.1f} °C (z = {score:+.1f})")
            context.events.send(
                "weather.anomaly_found",
                subject=row["date"],
                data={"date": row["date"], "temp_max": value, "mean": round(mean, 2), "z": round(score, 2)},
            )
    history.append(value)

print(f"{batch}: {anomalies} of {len(rows)} days stand out")
context.events.send(
    "weather.rows_analysed",
    subject=batch,
    data={
        "batch": batch,
        "batches": context.params.get("batches"),
        "days": len(rows),
        "rejected": context.params.get("rejected"),
        "anomalies": anomalies,
        "precipitation": round(sum(row["precipitation"] for row in rows), 1),
        "temp_max_sum": round(sum(row["temp_max"] for row in rows), 1),
    },
)
