severities = ["info", "warning", "critical"]


def is_resolved(event):
    return event["type"] == "fx.alert.resolved"


def headline(event):
    alert = event["data"]
    word = "RESOLVED" if is_resolved(event) else alert["severity"].upper()
    return f"[{word}] {alert['rule']}: {alert['subject']}"


def lines(event):
    """What is known, a line each."""
    alert = event["data"]
    facts = ", ".join(f"{name} {value}" for name, value in alert["facts"].items())
    texts = [alert["summary"], alert.get("description"), facts, f"raised at {alert['raisedAt']}"]
    if is_resolved(event):
        texts.append(f"resolved at {alert['resolvedAt']} ({alert['resolution'].replace('_', ' ')})")
    return [text for text in texts if text]
