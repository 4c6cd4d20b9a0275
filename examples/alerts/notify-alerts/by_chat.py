import json

from by_webhook import post
from message import headline, lines


def is_set_up(context):
    # An incoming webhook's address is all that one needs to write there: it is a secret.
    return bool(context.secrets.get("CHAT_URL"))


def send(context, event):
    """Writes to an incoming webhook of Slack, Mattermost or Teams (Workflows)."""
    kind = context.config.get("chat_kind", "slack")
    if kind not in bodies:
        raise ValueError(f'chat_kind is "{kind}": it is one of {", ".join(bodies)}')
    body = bodies[kind](headline(event), lines(event))
    post(context.secrets.get("CHAT_URL"), json.dumps(body).encode(), {"content-type": "application/json"})


def slack(head, texts):
    escaped = [text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for text in [head, *texts]]
    return {"text": "\n".join([f"*{escaped[0]}*", *escaped[1:]])}


def mattermost(head, texts):
    return {"text": "\n".join([f"**{head}**", *(f"> {text}" for text in texts)])}


def teams(head, texts):
    blocks = [{"type": "TextBlock", "text": text, "wrap": True} for text in texts]
    title = {"type": "TextBlock", "text": head, "weight": "Bolder", "wrap": True}
    card = {"type": "AdaptiveCard", "version": "1.4", "body": [title, *blocks]}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


bodies = {"slack": slack, "mattermost": mattermost, "teams": teams}
