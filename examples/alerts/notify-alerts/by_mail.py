import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate

from message import headline, is_resolved, lines


def is_set_up(context):
    return bool(context.config.get("mail_host") and context.config.get("mail_to"))


def send(context, event):
    """Sends one mail to all of mail_to; the secrets MAIL_USER and MAIL_PASSWORD log in, where they are set."""
    with connection(context.config) as server:
        user = context.secrets.get("MAIL_USER")
        if user:
            server.login(user, context.secrets.get("MAIL_PASSWORD") or "")
        refused = server.send_message(mail_of(context.config, event))
    if refused:
        raise RuntimeError(f"refused were {', '.join(refused)}")


def connection(config):
    host, port = config.get("mail_host"), int(config.get("mail_port", 587))
    security = config.get("mail_security", "starttls")
    if security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=10, context=ssl.create_default_context())
    if security not in ("starttls", "none"):
        raise ValueError(f'mail_security is "{security}": it is one of starttls, tls, none')
    server = smtplib.SMTP(host, port, timeout=10)
    if security == "starttls":
        server.starttls(context=ssl.create_default_context())
    return server


def mail_of(config, event):
    mail = EmailMessage()
    mail["Subject"] = headline(event)
    mail["From"] = config.get("mail_from") or "alerts@localhost"
    mail["To"] = ", ".join(config.get("mail_to"))
    mail["Date"] = formatdate()
    # The same when it is sent again; and both mails of one alert are one thread.
    mail["Message-ID"] = f"<{event['id']}@alerts>"
    if is_resolved(event) and event.get("causationid"):
        mail["In-Reply-To"] = f"<{event['causationid']}@alerts>"
    mail.set_content("\n".join(lines(event)) + "\n")
    return mail
