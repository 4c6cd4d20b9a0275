from fx_ef import context

import by_chat
import by_mail
import by_webhook
from message import severities

channels = {"webhook": by_webhook, "chat": by_chat, "mail": by_mail}
# Of so many events it is remembered who was told: a run that is tried again tells those who were not reached yet.
remembered = 50

event = context.event
wanted = [name for name, channel in channels.items() if channel.is_set_up(context)]
if not wanted:
    raise SystemExit("nobody is to be told: set webhook_url, mail_host with mail_to, or the secret CHAT_URL")

least = context.config.get("least_severity", "info")
if severities.index(event["data"]["severity"]) < severities.index(least):
    print(f"left out: {event['data']['severity']} is less than {least}")
    raise SystemExit(0)

told = dict(context.state.get("told", {}))
failures = []
for name in wanted:
    if name in told.get(event["id"], []):
        continue
    try:
        channels[name].send(context, event)
    except Exception as error:
        failures.append(f"{name}: {error}")
        continue
    told[event["id"]] = [*told.get(event["id"], []), name]
    context.state.put("told", dict(list(told.items())[-remembered:]))
    print(f"told by {name}: {event['data']['summary']}")
if failures:
    raise SystemExit("; ".join(failures))
