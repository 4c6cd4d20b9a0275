"""What a script sees of its run."""
import sys

from fx_ef._channel import FxError

_MISSING = object()

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


class Named:
    """Something with a `name` and an `id`."""

    def __init__(self, name, id):
        self.name = name
        self.id = id

    def __repr__(self):
        return f"{self.name} ({self.id})"


class Execution:
    """This run: `id`, `attempt` and `step` (both from 1); whether it is a `replay`, and of which run: `original`, else None.

    `original or id` is the same in a run and in each replay of it: a key for other systems, which must not do twice what
    they have done.
    """

    def __init__(self, id, attempt, step, replay, original):
        self.id = id
        self.attempt = attempt
        self.step = step
        self.replay = replay
        self.original = original


class Events:
    def __init__(self, channel):
        self._channel = channel

    def send(
        self,
        event_type,
        *args,
        data=_MISSING,
        source=None,
        event_source=None,
        subject=None,
        reference_id=None,
        id=None,
        correlation_id=None,
        topic=None,
    ):
        """Emits a CloudEvent: `send(type, data)` or `send(type, source, data=...)`. Returns its id once it is durable.

        data: anything that JSON can hold, at most 4 MiB of it.
        id: the event's own; else one that is the same when the same run emits the same again. It names one event of its
        source: another one under it is refused with `conflict` in the run that has sent the first, else rejected in the ledger.
        `event_source` and `reference_id` are older names of
        `source` and `subject`. `topic` has no effect: all events travel on one. Raises FxError when the event is
        refused: for a type that begins with `fx.`, for instance.
        """
        if len(args) > 2:
            raise _wrong_use(f"send takes a type, a source and data; {len(args) + 1} values were given")
        if len(args) == 2 or (args and data is not _MISSING):
            # What was given twice would be lost.
            if source is not None or event_source is not None:
                raise _wrong_use("the event's source was given twice")
            if len(args) == 2 and data is not _MISSING:
                raise _wrong_use("the event's data was given twice")
            source, data = args if len(args) == 2 else (args[0], data)
        elif args:
            data = args[0]
        event = {"source": source or event_source, "subject": subject or reference_id, "id": id}
        event["correlationId"] = correlation_id
        event = {"type": event_type, **{name: value for name, value in event.items() if value is not None}}
        for name, value in event.items():
            if not isinstance(value, str):
                raise _wrong_use(f"the event's {name} must be a str, not {type(value).__name__}")
        if data is not _MISSING:
            event["data"] = data
        return self._channel.request("emit", event=event)["id"]


def _wrong_use(what):
    return FxError("invalid-input", f"{what}: send(type, data) or send(type, source, data), anything else by its name")


class State:
    """Values that outlive the run; one set for each service."""

    def __init__(self, channel):
        self._channel = channel

    def get(self, key=None, default=None):
        """All values as a dict, or the one of `key`."""
        values = self._channel.request("getState")
        return values if key is None else values.get(key, default)

    def put(self, key, value):
        """Stores one JSON value. Returns once it is durable. It stays when the run fails later: the next attempt finds it."""
        self._channel.request("putState", key=key, value=value)


class Secrets:
    """Looked up in the service's own scope, then the project's, then the platform's."""

    def __init__(self, channel):
        self._channel = channel

    def get(self, name, default=None):
        """The secret as it was stored, a string or an object; `default` where no scope has it."""
        value = self._channel.request("getSecret", name=name)
        return default if value is None else value

    def set(self, name, value, context):
        """Stores a secret for later runs; `context` is "project", "platform" or "service".

        value: anything that JSON can hold but None. Raises FxError: `forbidden` where the service may not write there.
        """
        self._channel.request("setSecret", name=name, value=value, scope=context)


class Scheduler:
    def __init__(self, channel):
        self._channel = channel

    def retry(self, minutes=0, hours=0, days=0, cron_expression=None, parameters=None, timezone=None):
        """Runs the service again later, with this run's parameters: after the sum of the amounts, or at the next time
        that the cron expression names, which wins over them. Returns the job's id. A run has one such job: another
        call takes the place of the first.

        parameters: a dict; what it names goes over this run's parameters.
        timezone: of the expression, an IANA name; UTC unless given.
        """
        if cron_expression:
            when = {"cron": cron_expression, "timezone": timezone}
        else:
            when = {"minutes": minutes, "hours": hours, "days": days}
        when["parameters"] = parameters
        return self._channel.request("retryLater", **{name: value for name, value in when.items() if value})["jobId"]


class Logging:
    """Structured log lines of this run; `%` arguments as in the standard library."""

    def __init__(self, channel):
        self._channel = channel
        self._level = 0

    def setLevel(self, level):
        """Drops lines below `level`: a name in either case, or a number of the standard library."""
        if isinstance(level, str):
            name = {"warn": "warning", "fatal": "critical"}.get(level.lower(), level.lower())
            if name not in _LEVELS:
                raise ValueError(f"no log level is named {level!r}; there are {', '.join(_LEVELS)}")
            level = _LEVELS[name]
        self._level = level

    set_level = setLevel

    def debug(self, message, *args, exc_info=False):
        self._log("debug", message, args, exc_info)

    def info(self, message, *args, exc_info=False):
        self._log("info", message, args, exc_info)

    def warning(self, message, *args, exc_info=False):
        self._log("warning", message, args, exc_info)

    def error(self, message, *args, exc_info=False):
        self._log("error", message, args, exc_info)

    def critical(self, message, *args, exc_info=False):
        self._log("critical", message, args, exc_info)

    def exception(self, message, *args):
        """An error, with the exception that is being handled, if there is one."""
        self._log("error", message, args, True)

    warn = warning
    fatal = critical

    def _log(self, level, message, args, with_exception):
        if _LEVELS[level] < self._level:
            return
        text = _format(message, args)
        if with_exception and sys.exc_info()[0] is not None:
            # Loaded when needed: it would cost every start 3 ms.
            import traceback

            text = f"{text}\n{traceback.format_exc()}".rstrip()
        self._channel.tell("log", level=level, message=text)


def _format(message, args):
    if not args:
        return str(message)
    # As the standard library: one dict fills names.
    values = args[0] if len(args) == 1 and isinstance(args[0], dict) and args[0] else args
    try:
        return str(message) % values
    except (TypeError, ValueError, KeyError):
        # A log line is no reason for a run to fail.
        return " ".join(map(str, (message, *args)))


class Context:
    """What one run sees.

    `params` and `config` are dicts; `event` is the whole CloudEvent that started the run, as a dict; `previous` is what
    the step before offered with `result`, None where none did.
    """

    def __init__(self, channel):
        self.events = Events(channel)
        self.state = State(channel)
        self.secrets = Secrets(channel)
        self.scheduler = Scheduler(channel)
        self.retry = self.scheduler.retry
        self.logging = Logging(channel)
        self._channel = channel

    def _begin(self):
        """What it holds of a run is of the one that its channel has welcomed from now on."""
        given = self._channel.welcome["context"]
        service, execution = given["service"], given["execution"]
        self.params = given["params"]
        self.config = given["config"]
        self.event = given["event"]
        self.previous = given["previous"]
        # Local runs may give an id of their own.
        self.service = self.package = Named(service["name"], service.get("id") or f"{service['project']}/{service['name']}")
        self.execution = Execution(
            execution["id"], execution["attempt"], execution["step"], execution["replay"], execution["original"]
        )
        self.logging._level = 0

    def result(self, value):
        """Offers a JSON value, at most 4 MiB of it, to the next step as its `previous`. The last one counts."""
        self._channel.request("setResult", value=value)
